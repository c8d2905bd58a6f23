#!/bin/bash
# A lowered max_ttl_hours names whom it cuts short, before anything is deleted.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/long" "$MNT/short"
echo 40h >"$MNT/long/ttl"
echo 1h >"$MNT/short/ttl"
umount_weavers
expect_fail grep -q 'before their time' "$W/weaverfs.log"
mount_weavers default_ttl_hours=1,max_ttl_hours=2
grep -qE 'max_ttl_hours=2 ends weavers before their time: long at [0-9TZ:-]+ instead of [0-9TZ:-]+$' \
	"$W/weaverfs.log" || fail "no warning of it: $(cat "$W/weaverfs.log")"
assert_match $'^cut\tlong\tweaver-' "$(cat "$MNT/.weaverfs/reap")"
assert_eq "long short" "$(pods | xargs)"
ttl=$(cat "$MNT/long/ttl")
[ "$ttl" -le 7200 ] && [ "$ttl" -gt 7000 ] || fail "long has $ttl s left"
