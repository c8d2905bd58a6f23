#!/bin/bash
# 10,000 commands in ten weavers leave no descriptor, process, socket or memory behind, in weaverfs and in the weavers.
# SPDX-License-Identifier: Apache-2.0
# timeout: 3000
# tier: all
. "$LIB/case.sh"
. "$LIB/into.sh"

memory_kb()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# some N: that many commands, 20 at a time, in turns in each weaver (a node takes seconds for each of 20 that are in one
# container all the time, by kubectl, too); every fourth by the exec file.
some()
{
	local by_sh=$(($1 * 3 / 4)) sh
	seq "$by_sh" | xargs -P 15 -I {} sh -c '"$0/w$(($1 % $2))/sh" -c "echo $1"' "$MNT" {} $weavers >said &
	sh=$!
	python3 - "$MNT" $weavers $(($1 - by_sh)) <<-'END'
		import concurrent.futures, os, sys
		def run(n):
		    f = os.open("%s/w%d/exec" % (sys.argv[1], n % int(sys.argv[2])), os.O_RDWR)
		    os.write(f, b"echo %d\n" % n)
		    said = b"".join(iter(lambda: os.read(f, 4096), b""))
		    os.close(f)
		    assert said == b"%d\n" % n, (n, said)
		with concurrent.futures.ThreadPoolExecutor(5) as pool:
		    list(pool.map(run, range(int(sys.argv[3]))))
	END
	wait "$sh" || fail "one of $by_sh by sh: status $?"
	seq "$by_sh" | cmp - <(sort -n said) >&2 || fail "what $by_sh commands have said"
}

# processes: in all weavers.
processes()
{
	local w n=0
	for ((w = 0; w < weavers; w++)); do
		n=$((n + $("$MNT/w$w/sh" -c 'set -- /proc/[0-9]*; echo $#')))
	done
	echo $n
}

weavers=10
mount_weavers
printf '%s\n' 200m >"$MNT/.weaverfs/defaults/cpu"
for ((w = 0; w < weavers; w++)); do
	running_weaver "w$w"
done
pid=${weaverfs_pids[$MNT]}
some 1000
wait_for 20 none_in_weaver w0 'echo'
descriptors=$(descriptors "$pid") memory=$(memory_kb "$pid")
processes=$(processes)
some 9000
no_more_descriptors()
{
	[ "$(descriptors "$pid")" -le "$descriptors" ]
}
no_more_processes()
{
	[ "$(processes)" -le "$processes" ]
}
wait_for 20 no_more_descriptors
wait_for 20 no_more_processes
[ "$(memory_kb "$pid")" -le $((memory + 4096)) ] || fail "memory: $memory kB, then $(memory_kb "$pid") kB"
