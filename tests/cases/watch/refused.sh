#!/bin/bash
# A watch refused, broken or cut to pieces of one byte goes on where it was.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/watching.sh"

kubesim_faults "{\"rules\":[{$watch_ends}]}"
pod a
mount_weavers
wait_for 5 test -d "$MNT/a"
for fault in '"status":429,"retry_after":1' '"status":410,"reason":"Expired"' '"status":503' \
	'"reset_after":300' '"reset_after":0' '"chunk":1'; do
	watches_misbehave "$fault,\"count\":2"
	tree_follows 10
	wait_for 10 met 2
done
