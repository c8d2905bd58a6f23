#!/bin/bash
# A pod whose label is taken away is no weaver any more; with the label back it is the same one again.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

absent()
{
	! [ -e "$MNT/$1" ]
}

mount_weavers
mkdir "$MNT/a"
before=$(stat -c %i "$MNT/a"; cat "$MNT/a/id")
pod=$(cat "$MNT/a/pod")
k label pod "$pod" loom.dev/managed- >/dev/null
wait_for 5 absent a
assert_eq "" "$(ls "$MNT")"
k get pod "$pod" >/dev/null || fail "the pod is gone, and only its label was to go"
k label pod "$pod" loom.dev/managed=true >/dev/null
wait_for 5 test -d "$MNT/a"
assert_eq "$before" "$(stat -c %i "$MNT/a"; cat "$MNT/a/id")"

# Another name is a rename, whoever does it.
k label pod "$pod" loom.dev/name=b --overwrite >/dev/null
wait_for 5 test -d "$MNT/b"
wait_for 5 absent a
assert_eq b "$(ls "$MNT")"
