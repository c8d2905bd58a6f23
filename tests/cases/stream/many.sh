#!/bin/bash
# 500 blocked readers cost others nothing, end at once at a signal, SIGTERM, umount -l, and leave no memory.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

cat >"$W/readers.py" <<'END'
import os, sys, threading
threading.stack_size(65536)
files = [os.open(f, os.O_RDONLY) for f in sys.argv[2:] for _ in range(int(sys.argv[1]) // 5)]
def read(fd):
	try:
		while os.read(fd, 4096):
			pass
	except OSError:
		pass
threads = [threading.Thread(target=read, args=(fd,)) for fd in files]
for t in threads:
	t.start()
print("ready", flush=True)
for t in threads:
	t.join()
END
cat >"$W/stats.py" <<'END'
import os, sys, time
times = []
for _ in range(2000):
	began = time.perf_counter_ns()
	os.stat(sys.argv[1] + "/status")
	os.read(os.open(sys.argv[1] + "/status", os.O_RDONLY), 100)
	times.append(time.perf_counter_ns() - began)
	os.close(3)
# What others do on the machine only adds to it.
print(sorted(times)[200])
END

# start_readers: 500 threads, 100 on each of five files; their pid.
start_readers()
{
	: >"$W/ready"
	python3 "$W/readers.py" 500 "$MNT"/a/{follow/status,follow/events,follow/logs,wait/done,wait/gone} \
		>"$W/ready" 2>/dev/null &
	readers=$!
	wait_for 30 grep -q ready "$W/ready"
	wait_for 30 all_blocked
}

end_readers()
{
	end_by_force "$readers"
}

# Beside the main thread: in a read of ours, answered by nobody yet.
all_blocked()
{
	[ "$(cat "/proc/$readers/task"/*/syscall 2>/dev/null | grep -c '^0 ')" = 500 ]
}

rss_kb()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${weaverfs_pids[$MNT]}/status"
}

mount_weavers
make_pod a 'echo here; sleep 1000'
wait_for 30 status_is a running
start_readers
end_readers

without=$(python3 "$W/stats.py" "$MNT/a")
before=$(rss_kb)
start_readers
with=$(python3 "$W/stats.py" "$MNT/a")
during=$(rss_kb)
ratio=$((with * 100 / without))
[ "$ratio" -lt 150 ] || fail "stat and read take $with ns with 500 readers, $without ns without"
[ $((during - before)) -lt 2048 ] || echo "500 readers take $((during - before)) kB" >"$W/fat"

# A Ctrl-C ends a blocked reader at once.
python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("cat", ["cat", sys.argv[1]])' "$MNT/a/wait/gone" &
one=$!
one_reads()
{
	grep -q '^0 ' "/proc/$one/syscall" && [ "$(cat "/proc/$one/comm")" = cat ]
}
wait_for 10 one_reads
kill -INT "$one"
status=0
wait "$one" || status=$?
assert_eq 130 "$status" "cat after SIGINT"
ended=$SECONDS
end_readers
[ $((SECONDS - ended)) -le 2 ] || fail "500 killed readers took $((SECONDS - ended)) s"
for _ in 1 2 3 4 5; do
	start_readers
	end_readers
done
after=$(rss_kb)
[[ $WEAVERFS != */release/* ]] || [ $((after - before)) -lt 1024 ] ||
	fail "memory: $before kB before, $during with 500 readers, $after after six times 500"
[[ $WEAVERFS != */release/* ]] || [ ! -e "$W/fat" ] || fail "$(cat "$W/fat")"

# Unmounted lazily, the readers go on until the weaver goes; then the daemon ends.
start_readers
umount -l "$MNT"
process_runs "${weaverfs_pids[$MNT]}" || fail "weaverfs ended though files are open"
k delete pod -l loom.dev/name=a --wait=false >/dev/null
wait "$readers" || fail "the readers did not end well"
weavers_ended

# SIGTERM ends all of them with an error.
mount_weavers
make_pod a 'echo here; sleep 1000'
wait_for 30 status_is a running
start_readers
kill -TERM "${weaverfs_pids[$MNT]}"
weavers_ended
wait "$readers" || fail "the readers did not end"
