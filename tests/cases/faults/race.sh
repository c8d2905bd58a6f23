#!/bin/bash
# Two mounts race while watches break, replies are lost or late: never two winners, nothing left.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# cluster: sim
. "$LIB/case.sh"

printf 'spec:\n  nodeSelector: {weaverfs.dev/none: x}\n' >"$W/patch"
rounds=6
no_pods()
{
	[ -z "$(k get pods -o name)" ]
}

# race WHAT RULES [always]: each of two new mounts meets the faults; always: each round has a winner.
race()
{
	kubesim_faults "{\"rules\":[$2]}"
	mount_weavers "pod_patch=$W/patch"
	MNT=$W/other mount_weavers "pod_patch=$W/patch"
	"$LIB/race" --faults "$rounds" "$MNT" "$W/other" >"$W/won" || fail "$1"
	[ -z "${3-}" ] || assert_eq "$rounds" "$(wc -l <"$W/won")" "$1: rounds with a winner"
	wait_for 10 no_pods
	umount_weavers
	MNT=$W/other umount_weavers
}

watch='"verb":"watch","path":"*/pods?*loom.dev/managed=true*"'
create='"verb":"create","path":"*/pods?*"'
race "the watch ends in good order" "{$watch,\"count\":8,\"end_after_events\":2}" always
race "the watch is reset" "{$watch,\"count\":2,\"reset_after\":9000}"
race "the history is gone" "{$watch,\"count\":2,\"end_after_events\":3},{$watch,\"count\":2,\"error\":410}"
race "the first events are lost" "{$watch,\"count\":2,\"events\":\"drop\",\"events_count\":3}"
race "replies are cut" "{$create,\"count\":9,\"reset_after\":100}" always
race "requests are cut" "{$create,\"count\":3,\"reset_after\":0}"
race "the POST comes too late" "{$create,\"count\":2,\"delay_ms\":2300}"
race "the server has a bad moment" "{$create,\"count\":3,\"status\":500}"
