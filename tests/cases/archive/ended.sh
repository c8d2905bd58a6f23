#!/bin/bash
# The log of a weaver that ended by itself is kept, whoever deletes it then, and nobody ever read it.
# timeout: 180
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

archived()
{
	[ "$(cat "$MNT/.archive/$1~"*/status)" = succeeded ]
}

in_root()
{
	[ -e "$MNT/$1" ]
}

not_in_root()
{
	! in_root "$1"
}

check_log()
{
	wait_for 20 archived "$1"
	assert_eq 5001 "$(wc -l <"$(echo "$MNT/.archive/$1~"*/logs)")" "lines of $1"
	assert_eq "last of $1" "$(tail -n 1 "$MNT/.archive/$1~"*/logs)"
	assert_eq 0 "$(cat "$MNT/.archive/$1~"*/exit_code)"
	assert_eq "weaver" "$(jq -r '.spec.containers[0].name' "$MNT/.archive/$1~"*/pod.json)"
}

mount_weavers cleanup_interval_secs=3600
for w in removed deleted expired; do
	make_pod $w "seq 5000; echo last of $w; sleep 1"
done
for w in removed deleted expired; do
	wait_for 60 status_is $w succeeded
done
rmdir "$MNT/removed"
expect_fail test -e "$MNT/removed"
check_log removed
assert_match '^rmdir ' "$(cat "$MNT"/.archive/removed~*/deleted_by)"
k delete pod "$(cat "$MNT/deleted/pod")" >/dev/null
check_log deleted
assert_eq cluster "$(cat "$MNT"/.archive/deleted~*/deleted_by)"
echo 2 >"$MNT/expired/ttl"
wait_for 20 not_in_root expired
check_log expired
assert_eq ttl "$(cat "$MNT"/.archive/expired~*/deleted_by)"

# Removed the very moment it has ended.
make_pod quick "seq 5000; echo last of quick; sleep 1"
wait_for 60 status_is quick succeeded && rmdir "$MNT/quick"
check_log quick
