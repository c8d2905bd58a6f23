#!/bin/bash
# mkdir makes a pod that kubectl sees with the labels of the contract, rmdir ends it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
assert_eq a "$(pods)"
wait_for 30 status_is a running
id=$(cat "$MNT/a/id")
assert_match '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-' "$id" id
assert_eq "weaver-$id" "$(cat "$MNT/a/pod")"
assert_eq "$id" "$(k get pod "weaver-$id" -o 'jsonpath={.metadata.labels.loom\.dev/weaver-id}')"
assert_eq a "$(k get pod "weaver-$id" -o 'jsonpath={.spec.hostname}')"
assert_eq "$(k get pod "weaver-$id" -o 'jsonpath={.spec.nodeName}')" "$(cat "$MNT/a/node")"
assert_match "^$id +" "$(sed -n 3p "$MNT/.weaverfs/weavers")"
test -d "$MNT/$id" || fail "a weaver's id does not resolve"
assert_eq "$(cat "$MNT/a/created")" "$(cat "$MNT/$id/created")"

rmdir "$MNT/a"
expect_fail test -e "$MNT/a"
assert_eq "" "$(ls "$MNT")"
assert_eq "" "$(pods)"
mkdir "$MNT/a" # the name is free while the old pod still terminates
[ "$(cat "$MNT/a/id")" != "$id" ] || fail "the new weaver has the old id"
