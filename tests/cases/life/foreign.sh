#!/bin/bash
# Weavers made by others show up by name, or by id without one; what kubectl deletes is gone here.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

gone()
{
	! [ -e "$MNT/$1" ]
}

mount_weavers
make_pod other 'sleep 1000'
assert_eq 0:0 "$(cat "$MNT/other/owner")" "of the mount's owner"
id=$(cat /proc/sys/kernel/random/uuid)
make_pod_json x "$id" 'sleep 1000' | jq 'del(.metadata.labels["loom.dev/name"])' | k create -f - >/dev/null
wait_for 5 test -d "$MNT/$id"
assert_eq "$id other" "$(ls "$MNT" | xargs)"

# A second pod of one name: the first keeps it.
second=$(cat /proc/sys/kernel/random/uuid)
make_pod_json other "$second" 'sleep 1000' | k create -f - >/dev/null
wait_for 10 test -d "$MNT/other~${second: -8}"
k delete pod "weaver-$(cat "$MNT/other/id")" --wait=false >/dev/null
wait_for 5 gone other
k label pod "weaver-$id" loom.dev/managed- >/dev/null
wait_for 5 gone "$id"
rmdir "$MNT/other~${second: -8}"
assert_eq "" "$(ls "$MNT")"
