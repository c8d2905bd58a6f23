#!/bin/bash
# Open files of a weaver that is gone answer with their last value; a new one of the name is another.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

ready()
{
	grep -q 'weaver ready' "$MNT/a/logs"
}

mount_weavers
mkdir "$MNT/a"
wait_for 30 ready
id=$(cat "$MNT/a/id")
exec 3<"$MNT/a/id" 4<"$MNT/a/logs"
(
	cd "$MNT/a"
	rmdir "$MNT/a"
	assert_errno 'No such file' cat id
	mkdir "$MNT/a"
	assert_errno 'No such file' cat id
)
assert_eq "$id" "$(cat <&3)"
assert_match 'weaver ready' "$(cat <&4)"
stat -L -c %h "/proc/$$/fd/3" >/dev/null
[ "$(cat "$MNT/a/id")" != "$id" ] || fail "the old weaver's id"
exec 3<&- 4<&-
