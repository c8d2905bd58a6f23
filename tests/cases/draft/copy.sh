#!/bin/bash
# A directory of values is copied into a draft by cp; the copy of a draft's files makes the same weaver.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$W/conf"
echo "$TEST_IMAGE" >"$W/conf/image"
echo 50m >"$W/conf/cpu"
printf 'A=1\nB=2' >"$W/conf/env" # no newline at its end
printf 'S=3\n' >"$W/conf/secrets"
printf '%s\n' sleep 1000 >"$W/conf/args"
mkdir "$MNT/.drafts/a" "$MNT/.drafts/b"
cp "$W/conf/"* "$MNT/.drafts/a/"
cp -r "$W/conf/." "$MNT/.drafts/b"
for d in a b; do
	assert_eq "$TEST_IMAGE 50m A=1 B=2 S sleep 1000" "$(cd "$MNT/.drafts/$d" && cat image cpu env secrets args | xargs)"
done
cp "$MNT/.drafts/a/env" "$MNT/.drafts/a/args" "$W/" # and back
assert_eq $'A=1\nB=2' "$(cat "$W/env")"
expect_fail cp -r "$W/conf" "$MNT/.drafts/new/conf"
assert_eq "a b" "$(ls "$MNT/.drafts" | xargs)"

# An editor reads the keys of secrets and writes them again: they keep their values.
{ cat "$MNT/.drafts/a/secrets" && echo T=4; } >"$W/edited"
cp "$W/edited" "$MNT/.drafts/a/secrets"
assert_eq "S T" "$(xargs <"$MNT/.drafts/a/secrets")"
echo U=5 >>"$MNT/.drafts/a/secrets"
assert_eq "S T U" "$(xargs <"$MNT/.drafts/a/secrets")"
mv "$MNT/.drafts/a" "$MNT/.drafts/b" "$MNT/" # under their own names
assert_eq "a b" "$(pods | xargs)"
assert_eq "A=1 B=2" "$(xargs <"$MNT/a/env")"
