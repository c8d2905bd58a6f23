#!/bin/bash
# logs grows as the container prints: cat, wc, tail -n, tail -f and grep see each line once.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

lines_are()
{
	[ "$(cat "$MNT/a/logs" | wc -l)" = "$1" ]
}

mount_weavers
make_pod a 'for i in $(seq 40); do echo "line $i"; sleep 0.1; done; printf end; sleep 1000'
wait_for 30 status_is a running
assert_eq 0 "$(stat -c %s "$MNT/a/logs")" "size before the first open"
timeout 15 tail -n +1 -f "$MNT/a/logs" >"$W/followed" &
follower=$!
wait_for 20 lines_are 40
assert_eq "$(seq -f 'line %g' 40)" "$(head -n 40 "$MNT/a/logs")"
assert_eq "$(wc -c <"$MNT/a/logs")" "$(stat -c %s "$MNT/a/logs")" "size"
assert_eq "line 40" "$(grep 'line 40' "$MNT/a/logs")"
assert_eq "line 40" "$(tail -n 1 "$MNT/a/logs")"
cp "$MNT/a/logs" "$W/copy"
assert_eq 40 "$(wc -l <"$W/copy")"
followed()
{
	[ "$(wc -l <"$W/followed")" = 40 ]
}
wait_for 10 followed
assert_eq "$(seq -f 'line %g' 40)" "$(cat "$W/followed")" "what tail -f has printed"
kill "$follower"
wait "$follower" || true

# Nothing is lost or doubled over a crash of the daemon.
kill_weavers
remount
assert_eq "$(seq -f 'line %g' 40)" "$(cat "$MNT/a/logs")" "after kill -9"
