#!/bin/bash
# .weaverfs/defaults is what a bare mkdir and a new draft use; root writes it, a remount forgets it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
F=$MNT/.weaverfs/defaults
assert_eq "$TEST_IMAGE 900m" "$(cat "$F/image" "$F/cpu" | xargs)"
assert_errno 'Permission denied' as 2001:2001 tee "$F/cpu" <<<1
assert_errno 'Permission denied' as 2001:2001 cat "$F/env"
as 2001:2001 cat "$F/image" >/dev/null
echo 150m >"$F/cpu"
echo G=1 >"$F/env"
printf '%s\n' sleep 1000 >"$F/args"
assert_errno 'Invalid argument' tee "$F/memory" <<<0
as 2001:2001 mkdir "$MNT/a"
assert_eq "150m G=1 sleep 1000" "$(cat "$MNT/a/cpu" "$MNT/a/env" "$MNT/a/args" | xargs)"
assert_eq 2001:2001 "$(cat "$MNT/a/owner")"
mkdir "$MNT/.drafts/d"
assert_eq "150m G=1" "$(cat "$MNT/.drafts/d/cpu" "$MNT/.drafts/d/env" | xargs)"
echo 250m >"$F/cpu"
assert_eq 150m "$(cat "$MNT/.drafts/d/cpu")" "a draft is a copy"
assert_eq 150m "$(cat "$MNT/a/cpu")"
assert_errno 'Operation not permitted' rmdir "$F"
assert_errno 'Operation not permitted' mv "$F" "$MNT/x"
remount
assert_eq 900m "$(cat "$F/cpu")"
assert_eq "" "$(ls "$MNT/.drafts")"
assert_eq 150m "$(cat "$MNT/a/cpu")" "the weaver has its own"
