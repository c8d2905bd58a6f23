#!/bin/bash
# A stopped API server: reading goes on, mkdir fails within 3 s, and no pod stays when it goes on.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
wait_for 30 status_is a running
cluster_freeze

start=${EPOCHREALTIME/./}
expect_fail mkdir "$MNT/late"
took=$(((${EPOCHREALTIME/./} - start) / 1000))
[ "$took" -lt 3000 ] || fail "mkdir took $took ms"
assert_match $'\tmkdir\tlate\tE[A-Z]+\t' "$(tail -n 1 "$MNT/.weaverfs/errors")"

start=${EPOCHREALTIME/./}
ls -l "$MNT" >/dev/null
assert_eq running "$(cat "$MNT"/*/status)"
expect_fail mkdir "$MNT/later" # known to be away: at once
took=$(((${EPOCHREALTIME/./} - start) / 1000))
[ "$took" -lt 500 ] || fail "ls, cat and a second mkdir took $took ms"
assert_match '^degraded: ' "$(head -n 1 "$MNT/.weaverfs/health")"

# Also when weaverfs is killed in between.
kill_weavers
cluster_thaw
remount
answers()
{
	k get pods
}
wait_for 30 answers
wait_for 15 status_is a running
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.3
	only=$(pods | xargs)
done
assert_eq a "$only" "pods after the server went on"
assert_eq a "$(ls "$MNT")"
mkdir "$MNT/late"
