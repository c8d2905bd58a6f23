#!/bin/bash
# Two mounts of one namespace show the same; a name is made once; what one writes the other reads.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

same()
{
	[ "$(ls "$MNT")" = "$(ls "$W/other")" ]
}

mount_weavers
MNT=$W/other mount_weavers
mkdir "$MNT/a"
wait_for 5 test -d "$W/other/a"
assert_errno 'File exists' mkdir "$W/other/a"
assert_eq "$(stat -c %i "$MNT/a" "$MNT/a/ttl")" "$(stat -c %i "$W/other/a" "$W/other/a/ttl")" "inode numbers"
echo 2h >"$W/other/a/ttl"
read_it()
{
	[ "$(cat "$MNT/a/expires")" = "$(cat "$W/other/a/expires")" ]
}
wait_for 5 read_it

# Twenty names created on both at once: one winner each.
for i in {1..20}; do
	mkdir "$MNT/race-$i" 2>>"$W/lost" && echo "$i" >>"$W/won" &
	one=$!
	mkdir "$W/other/race-$i" 2>>"$W/lost" && echo "$i" >>"$W/won" &
	wait "$one" || true
	wait "$!" || true
done
assert_eq "$(seq 20)" "$(sort -n "$W/won")" "winners"
assert_eq 20 "$(grep -c 'File exists' "$W/lost")" "losers"
wait_for 10 same
as_kubectl()
{
	[ "$(pods)" = "$(ls "$MNT" | sort)" ]
}
wait_for 15 as_kubectl
rmdir "$W/other"/*
wait_for 5 same
