#!/bin/bash
# Tags of a live weaver: writing replaces, appending adds or overwrites, an empty file clears; hold.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

annotation()
{
	k get pod "$(cat "$MNT/a/pod")" -o json | jq -r ".metadata.annotations[\"loom.dev/$1\"]"
}
cleared()
{
	[ -z "$(cat "$MNT/a/tags")" ]
}

mount_weavers
mkdir "$MNT/a"
T=$MNT/a/tags
printf 'a=1\nb=2\n' >"$T"
assert_eq $'a=1\nb=2' "$(cat "$T")"
assert_eq '{"a":"1","b":"2"}' "$(annotation tags)"
(echo b=3 && echo c=x=y) >>"$T"
assert_eq $'a=1\nb=3\nc=x=y' "$(cat "$T")"
echo d=ä >"$T"
assert_eq 'd=ä' "$(cat "$T")"
(echo e=1 && echo f=2) >"$T" # two writes of one open
assert_eq $'e=1\nf=2' "$(cat "$T")"
assert_errno 'Invalid argument' tee -a "$T" <<<'no value'
assert_errno 'Invalid argument' tee -a "$T" <<<'=v'
assert_eq $'e=1\nf=2' "$(cat "$T")"
: >"$T"
wait_for 5 cleared
assert_eq null "$(annotation tags)"
k annotate pod "$(cat "$MNT/a/pod")" 'loom.dev/tags={"k":"v","n":1}' >/dev/null
shows()
{
	[ "$(cat "$T")" = k=v ]
}
wait_for 5 shows

echo 1 >"$MNT/a/hold"
assert_eq "1 1" "$(cat "$MNT/a/hold") $(annotation hold)"
assert_errno 'Device or resource busy' rmdir "$MNT/a"
expect_fail find "$MNT/a" -delete
expect_fail rm -r "$MNT/a"
expect_fail python3 -c 'import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True); import os; os.stat(sys.argv[1] + "/gone")' "$MNT/a"
assert_eq a "$(pods)"
assert_errno 'Invalid argument' tee "$MNT/a/hold" <<<2
echo 0 >"$MNT/a/hold"
assert_eq "0 null" "$(cat "$MNT/a/hold") $(annotation hold)"
expect_fail rm -r "$MNT/a"
assert_eq a "$(pods)" "rm -r"
find "$MNT/a" -delete 2>/dev/null || true
assert_eq "" "$(pods)" "find -delete"
