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
for fault in '2,"status":429,"retry_after":1' '1,"status":410,"reason":"Expired"' '1,"status":503' \
	'1,"reset_after":300' '2,"reset_after":0' '1,"chunk":1'; do
	watches_misbehave "\"count\":$fault"
	tree_follows 10
	wait_for 10 met "${fault%%,*}"
done
