#!/bin/bash
# An entry has the owner and modes of the weaver, and others see and remove nothing of it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

archived()
{
	status=$(cat "$MNT/.archive/$1~"*/status) && [ "$status" != terminating ]
}

mount_weavers allow_other
as 1000:1000 mkdir "$MNT/a"
wait_for 30 status_is a running
chmod 0710 "$MNT/a"
before=$(stat -c '%u:%g %a' "$MNT/a")
modes=$(cd "$MNT/a" && stat -c '%n %u:%g %a' status env pod.json logs owner)
as 1000:1000 rmdir "$MNT/a"
entry=$(echo "$MNT"/.archive/a~*)
check()
{
	assert_eq "$before" "$(stat -c '%u:%g %a' "$entry")"
	assert_eq "$modes" "$(cd "$entry" && stat -c '%n %u:%g %a' status env pod.json logs owner)"
	assert_eq "rmdir 1000:1000" "$(as 1000:1000 cat "$entry/deleted_by")"
	for file in status logs env pod.json deleted_by; do
		assert_errno 'Permission denied' as 1001:1001 cat "$entry/$file"
	done
	assert_errno 'Permission denied' as 1001:1000 cat "$entry/env"
	assert_errno 'Permission denied' as 1001:1001 ls "$entry"
	assert_errno 'Operation not permitted' as 1001:1001 rmdir "$entry"
}
check
wait_for 30 archived a
check
remount
check
as 1000:1000 rmdir "$entry"
assert_eq "" "$(ls "$MNT/.archive")"
