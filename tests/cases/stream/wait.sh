#!/bin/bash
# wait/running, done and gone block until it is so, and say EIO or ETIMEDOUT when it never will be.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# errno_of FILE: what a read of it fails with.
errno_of()
{
	python3 -c 'import errno, os, sys
try:
	print(os.read(os.open(sys.argv[1], os.O_RDONLY), 100).decode(), end="")
except OSError as e:
	print(errno.errorcode[e.errno])' "$1"
}

# opened FILE: somebody has it open.
opened()
{
	[ -n "$(find /proc/[0-9]*/fd -lname "$1" 2>/dev/null || true)" ]
}

# begin PATH: reads it in the background into $W/NAME-OF-FILE; told holds the pid.
begin()
{
	timeout 60 cat "$MNT/$1" >"$W/${1##*/}" &
	told=$!
}

mount_weavers ready_timeout_secs=3
make_pod a 'sleep 4; exit 7'
begin a/wait/running
running=$told
begin a/wait/done
finished=$told
begin a/wait/gone
gone=$told
begin a/follow/status
status=$told
wait "$running"
assert_eq running "$(cat "$W/running")"
process_runs "$finished" || fail "wait/done did not wait: $(cat "$W/done")"
wait "$finished"
assert_eq 7 "$(cat "$W/done")"
assert_eq failed "$(cat "$MNT/a/status")"
assert_eq running "$(timeout 5 cat "$MNT/a/wait/running")" "it did run"
assert_eq 7 "$(timeout 5 cat "$MNT/a/wait/done")"
process_runs "$gone" || fail "wait/gone did not wait: $(cat "$W/gone")"
process_runs "$status" || fail "follow/status has ended: $(cat "$W/status")"
rmdir "$MNT/a"
wait "$gone"
assert_eq failed "$(cat "$W/gone")"
wait "$status"
assert_match '^(pending )?(running )failed( terminating)? $' "$(tr '\n' ' ' <"$W/status")"

# One that is pending for ever, and one that never runs.
image=missing/image
[ "$TEST_CLUSTER" = sim ] || image=localhost/missing:none
TEST_IMAGE=$image make_pod b 'sleep 1000'
began=$SECONDS
assert_eq ETIMEDOUT "$(errno_of "$MNT/b/wait/running")"
[ $((SECONDS - began)) -ge 2 ] || fail "not 3 s, but $((SECONDS - began))"
grep -q 'b/wait/running.ETIMEDOUT' "$MNT/.weaverfs/errors"
errno_of "$MNT/b/wait/done" >"$W/b-done" &
never=$!
wait_for 10 opened "$MNT/b/wait/done"
rmdir "$MNT/b"
wait "$never"
# The kubelet may give a container that it never made the code of one that was killed.
assert_match '^(EIO|137)$' "$(cat "$W/b-done")"
assert_errno 'No such file or directory' cat "$MNT/b/wait/gone"

# They resolve, but nothing finds them.
make_pod c 'sleep 1000'
! ls "$MNT/c" | grep -qE '^(follow|wait)$' || fail "listed"
test -e "$MNT/c/wait/done"
