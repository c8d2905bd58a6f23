#!/bin/bash
# A weaver is named by name, id, what only one begins with (an id also ends with), or path; the mount is found.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/cli.sh"

# is EXPECTED NAME: describe finds that weaver.
is()
{
	runs 0 weaver describe "$2"
	assert_match "^name +$1"$'\n' "$out"
}

mount_weavers
mkdir "$MNT/fix-42" "$MNT/fix-4" "$MNT/other"
id=$(cat "$MNT/other/id")
is fix-4 fix-4
is other ot
is other "$id"
is other "${id: -8}"
is other "${id:0:30}"
is other "$MNT/other"
(cd "$MNT/other" && is other .)
(cd "$MNT" && is fix-42 ./fix-42)
runs 1 weaver describe fi
assert_match '2 weavers begin so' "$err"
runs 1 weaver describe nothing
assert_match "nothing: no such weaver in $MNT or its .archive" "$err"
runs 1 weaver describe ''
runs 1 weaver describe ../mnt/none
rmdir "$MNT/other"
is "other~${id: -8}" "other~${id: -8}"
runs 0 weaver ttl other
runs 1 weaver ttl other 1h
assert_match 'other: no such weaver' "$err"

# Which mount: the variable, where we are, the only one.
unset WEAVER_MOUNT
(cd "$MNT/fix-4" && is fix-42 fix-42)
MNT=$W/second mount_weavers state_dir="$W/state2"
(cd "$W/second" && is fix-42 fix-42)
mkdir "$W/second/only-there"
mounts=$(grep -c ' fuse.weaverfs ' /proc/self/mounts)
[ "$mounts" -lt 2 ] || { cd / && runs 1 weaver ps -q && assert_match 'several weaverfs are mounted' "$err"; }
export WEAVER_MOUNT=$W/none
runs 1 weaver ps -q
