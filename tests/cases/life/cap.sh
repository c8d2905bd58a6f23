#!/bin/bash
# max_concurrent refuses the next mkdir with EDQUOT, counts terminating pods, and frees their slots.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

makes()
{
	mkdir "$MNT/$1"
}

mount_weavers max_concurrent=2
mkdir "$MNT/a" "$MNT/b"
assert_errno 'Disk quota exceeded' mkdir "$MNT/c"
assert_match 'EDQUOT.*max_concurrent is 2' "$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_eq "2 0" "$(df --output=itotal,iavail "$MNT" | tail -n 1 | xargs)" "df -i"
wait_for 30 status_is a running
rmdir "$MNT/a"
# Its pod still counts until it is gone, as in the namespace's quota.
if ! mkdir "$MNT/c" 2>/dev/null; then
	assert_match 'EDQUOT.*1 of them terminating' "$(tail -n 1 "$MNT/.weaverfs/errors")"
	wait_for 20 makes c
fi
assert_eq "b c" "$(pods | xargs)"
