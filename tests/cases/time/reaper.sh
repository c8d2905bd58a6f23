#!/bin/bash
# What has expired is deleted at its time, extended ones live, and .weaverfs/reap tells of both.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

gone()
{
	! [ -e "$MNT/$1" ]
}

mount_weavers cleanup_interval_secs=3600
mkdir "$MNT/short" "$MNT/long" "$MNT/saved"
echo 3 >"$MNT/short/ttl"
echo 3 >"$MNT/saved/ttl"
echo 1h >"$MNT/saved/ttl"
start=$SECONDS
wait_for 15 gone short
[ $((SECONDS - start)) -ge 2 ] || fail "reaped too early"
assert_eq "long saved" "$(pods | xargs)"
grep -q short "$MNT/.weaverfs/reap" || fail "reap says nothing of short: $(cat "$MNT/.weaverfs/reap")"
assert_match 'loom_weavers_cleanup_deleted_total 1' "$(cat "$MNT/.weaverfs/metrics")"

# What expires while nobody is mounted goes at the next start.
echo 2 >"$MNT/long/ttl"
kill_weavers
sleep 3
remount
wait_for 15 gone long
assert_eq saved "$(pods)"
