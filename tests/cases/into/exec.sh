#!/bin/bash
# WEAVER/exec: one open is one command; its first line runs, what follows is its input until the
# first read, reads give its output and EOF; a close ends it.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
exec=$MNT/a/exec

# run LINE [FILE]: what the command prints; FILE is its input.
run()
{
	local fd
	exec {fd}<>"$exec"
	{ printf '%s\n' "$1" && [ -z "${2-}" ] || cat "$2"; } >&"$fd"
	cat <&"$fd"
	exec {fd}>&-
}

assert_eq hi "$(run 'echo hi')"
assert_eq "" "$(run true)" "no output"
assert_eq $'out\nerr' "$(run 'echo out; sleep 0.3; echo err >&2')" "both outputs"
assert_eq 3 "$(printf 'a\nb\nc\n' >in; run 'wc -l' in | xargs)"
assert_eq "" "$(timeout 5 cat "$exec")" "a read before any write"
assert_eq hi "$(exec 3<>"$exec"; printf 'echo hi' >&3; cat <&3)" "a line without its end"
assert_eq hi "$(exec 3<>"$exec"; printf 'ec' >&3; printf 'ho hi\n' >&3; cat <&3)" "a line in pieces"
assert_eq 600 "$(stat -c %a "$exec")"
head -c 30M /dev/urandom >big
assert_eq "$(sha256sum <big)" "$(run sha256sum big)" "30 MB in"
assert_eq "$(head -c 100M /dev/zero | sha256sum)" "$(run 'head -c 104857600 /dev/zero' | sha256sum)" "100 MB out"
assert_eq hi "$(python3 - "$exec" <<'END'
import os, sys
f = os.open(sys.argv[1], os.O_RDWR)
os.write(f, b"sleep 0.2; echo hi\n")
print(os.read(f, 100).decode(), end="")
assert os.read(f, 100) == b""
try:
    os.write(f, b"more")
except BrokenPipeError:
    pass
else:
    print("input after the first read")
END
)"
# O_NONBLOCK and poll(2)
assert_eq "hi later" "$(python3 - "$exec" <<'END'
import os, select, sys
f = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
os.write(f, b"echo hi; sleep 0.5; echo later\n")
p = select.epoll()
p.register(f, select.EPOLLIN | select.EPOLLET)
said = b""
while True:
    try:
        got = os.read(f, 100)
    except BlockingIOError:
        assert p.poll(20), "poll(2) says nothing"
        continue
    if not got:
        break
    said += got
print(said.decode().replace("\n", " ").strip())
END
)"

# One that takes no input keeps nobody else waiting, and whoever writes to it can be killed.
bash -c "exec 3<>'$exec'; echo 'sleep 60' >&3; cat /dev/zero >&3" 2>/dev/null &
stuck=$!
wait_for 20 some_in_weaver a '^sleep 60'
assert_eq hi "$(run 'echo hi')" "beside one that takes no input"
pkill -P "$stuck" 2>/dev/null || true
kill "$stuck" 2>/dev/null || true
wait "$stuck" 2>/dev/null || true
wait_for 20 none_in_weaver a 'sleep 60'

# A close ends the command, and its children.
exec 3<>"$exec"
echo 'sleep 71 & sleep 72; echo never' >&3
wait_for 20 some_in_weaver a '^sleep 71'
wait_for 20 some_in_weaver a '^sleep 72'
exec 3>&-
wait_for 20 none_in_weaver a 'sleep 7[12]'

# others, and what cannot be
expect_fail as 2001:2001 bash -c "exec 3<>'$exec'"
mkdir "$MNT/late"
if [ "$(cat "$MNT/late/status")" = pending ]; then
	said=$(bash -c "exec 3<>'$MNT/late/exec'" 2>&1) && fail "exec of what does not run"
	assert_match "endpoint is not connected|late/exec" "$said"
fi
umount_weavers
