#!/bin/bash
# A receiver that hangs: 256 deliveries wait, more are dropped and counted; nobody else is slower for it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"

cat >"$W/receiver.py" <<'END'
import http.server, json, os, sys
class Receiver(http.server.BaseHTTPRequestHandler):
	def do_POST(self):
		body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
		os.write(1, f'{self.headers["X-Webhook-Id"]} {body["event"]} {body["weaver"]["id"]}\n'.encode())
		self.send_response(204)
		self.end_headers()
	def log_message(self, *arguments):
		pass
http.server.ThreadingHTTPServer.request_queue_size = 64
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, file=open(sys.argv[1], "w"))
server.serve_forever()
END
# What a read and a write of an attribute take, in ns: what was quickest over some seconds, since what
# others do on the machine (the server, too, after 300 pods) only adds to it.
cat >"$W/times.py" <<'END'
import sys, time
def timed(call):
	began = time.perf_counter_ns()
	call()
	return time.perf_counter_ns() - began
def quick(n, call):
	return sorted(timed(call) for _ in range(n))[n // 10]
a = sys.argv[1]
reads, writes = [], []
for _ in range(10):
	reads.append(quick(400, lambda: open(a + "/status").read()))
	writes.append(quick(20, lambda: open(a + "/hold", "w").write("0")))
	time.sleep(0.2)
print(min(reads), min(writes))
END

metric()
{
	sed -n "s/^$1 //p" "$MNT/.weaverfs/metrics"
}

rss_kb()
{
	sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${weaverfs_pids[$MNT]}/status"
}

# bulk PREFIX N: N weavers are made, each of them an event.
bulk()
{
	exec 3<>"$MNT/.weaverfs/new"
	seq -f "$1%g" "$2" >&3
	assert_eq "$2" "$(grep -c ' ok$' <&3)" "made"
	exec 3<&-
}

# received RECEIVER N: so many events have come there. (One may come again: then with its id.)
received()
{
	[ "$(sort -u "$W/$1.events" | wc -l)" = "$2" ]
}

# lines_about TEXT: of .weaverfs/errors.
lines_about()
{
	grep -c "webhook.http://127.0.0.1.*$1" "$MNT/.weaverfs/errors" || true
}

declare -A receivers
for name in hangs other; do
	python3 "$W/receiver.py" "$W/$name.port" >"$W/$name.events" 2>/dev/null &
	receivers[$name]=$!
	wait_for 20 test -s "$W/$name.port"
	hooks+=${hooks+\\,}"{\"url\":\"http://127.0.0.1:$(cat "$W/$name.port")/\"\\,\"secret\":\"s\"\\,\"events\":[\"weaver.created\"]}"
done
# On no node: the pods cost nothing.
echo 'spec: {nodeSelector: {none: "x"}}' >"$W/patch.yaml"
k delete resourcequota --all >/dev/null
mount_weavers "max_concurrent=400,pod_patch=$W/patch.yaml,create_timeout_ms=20000,webhooks=[$hooks]"
mkdir "$MNT/first"
wait_for 20 received hangs 1
wait_for 20 received other 1

kill -STOP "${receivers[hangs]}"
bulk w 300
assert_eq 44 "$(metric weaverfs_webhooks_failed_total)" "deliveries dropped"
wait_for 30 received other 301
read -r read_during write_during < <(python3 "$W/times.py" "$MNT/first")
during=$(rss_kb)

# More events take no more memory than their weavers, and one line says it: not 94, in the place of other errors.
bulk x 50
assert_eq 94 "$(metric weaverfs_webhooks_failed_total)" "deliveries dropped"
assert_eq 1 "$(lines_about 'EBUSY.256 deliveries wait already')" "lines about what is dropped"
after=$(rss_kb)
[[ $WEAVERFS != */release/* ]] || [ $((after - during)) -lt 3072 ] ||
	fail "memory: $during kB with 300 weavers and events, $after with 350"
wait_for 30 received other 351

# It goes on: all that waited arrive, it is said how many have not, and new ones come again.
kill -CONT "${receivers[hangs]}"
wait_for 90 received hangs 257
read -r read_after write_after < <(python3 "$W/times.py" "$MNT/first")
[ $((read_during * 100 / read_after)) -lt 200 ] ||
	fail "a read takes $read_during ns while a receiver hangs, $read_after ns else"
[ $((write_during * 100 / write_after)) -lt 200 ] ||
	fail "a write takes $write_during ns while a receiver hangs, $write_after ns else"
mkdir "$MNT/last"
wait_for 20 received hangs 258
wait_for 20 received other 352
assert_eq 1 "$(lines_about 'EBUSY.94 deliveries were dropped')" "lines about how many"
assert_eq 610 "$(metric weaverfs_webhooks_sent_total)" "sent"
kill "${receivers[@]}"
wait "${receivers[@]}" || true
rmdir "$MNT"/*
