#!/bin/bash
# Streams are what programs wait for: select, poll, edge-triggered epoll, asyncio, threads, make.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
make_pod a 'sleep 4; for i in $(seq 30); do echo "line $i"; sleep 0.05; done; sleep 6; exit 4'
cat >"$W/Makefile" <<'END'
up: ; @cat $(MNT)/a/wait/running
END
assert_eq running "$(make -s -C "$W" MNT="$MNT")" "make"
read -r line <"$MNT/a/follow/status"
assert_eq running "$line" "bash read"
assert_eq running "$(head -n 1 "$MNT/a/follow/status" 2>/dev/null)" "head"
assert_eq 124 "$(timeout 1 cat "$MNT/a/wait/gone" >/dev/null || echo $?)" "timeout"

timeout 60 python3 - "$MNT/a" <<'END'
import asyncio, errno, os, select, signal, sys, threading, time
a = sys.argv[1]

def opened(name, flags=os.O_NONBLOCK):
	return os.open(a + "/" + name, os.O_RDONLY | flags)

# select and poll: not ready, EAGAIN, then ready with data.
gone = opened("wait/gone")
try:
	os.read(gone, 10)
	sys.exit("no EAGAIN")
except BlockingIOError:
	pass
assert select.select([gone], [], [], 0) == ([], [], [])
poller = select.poll()
poller.register(gone, select.POLLIN)
assert poller.poll(0) == []

# An edge for each arrival, though the rest is unread.
log = opened("follow/logs")
epoll = select.epoll()
epoll.register(log, select.EPOLLIN | select.EPOLLET)
text, edges = b"", 0
while b"line 30\n" not in text:
	assert epoll.poll(20) != [], "an edge is missing after %r" % text
	edges += 1
	while True:
		try:
			more = os.read(log, 4096)
		except BlockingIOError:
			break
		text += more
assert text == b"".join(b"line %d\n" % i for i in range(1, 31)), text
assert epoll.poll(0) == []

# A child shares the open file; several threads read one, and each gets its own part.
shared = opened("follow/status", 0)
assert os.read(shared, 100) == b"running\n"
done = opened("wait/done", 0)
results = []
threads = [threading.Thread(target=lambda: results.append(os.read(done, 100))) for _ in range(5)]
for thread in threads:
	thread.start()
child = os.fork()
if child == 0:
	os._exit(0 if os.read(shared, 100) == b"failed\n" else 1)

# A signal ends a read, and nothing is lost by it.
class Interrupted(Exception):
	pass
def interrupt(*arguments):
	raise Interrupted
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.2)
began = time.monotonic()
blocked = opened("wait/gone", 0)
try:
	os.read(blocked, 100)
	sys.exit("no EINTR")
except Interrupted:
	assert time.monotonic() - began < 1.5, "late"

async def wait_done():
	loop, ready = asyncio.get_running_loop(), asyncio.Event()
	fd = opened("wait/done")
	loop.add_reader(fd, ready.set)
	await asyncio.wait_for(ready.wait(), 20)
	return os.read(fd, 100)
assert asyncio.run(wait_done()) == b"4\n"
for thread in threads:
	thread.join(10)
assert sorted(results) == [b"", b"", b"", b"", b"4\n"], results
assert os.waitpid(child, 0)[1] == 0, "the child's read"
assert os.read(done, 10) == b""
os.rmdir(a)
assert poller.poll(20000) != [], "no POLLIN at the end"
assert os.read(gone, 100) == b"failed\n"
assert os.read(gone, 100) == b""
END
