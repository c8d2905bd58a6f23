#!/bin/bash
# ERROR frames inside a watch, and a server without watch lists: the tree is kubectl's list again.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/watching.sh"

kubesim_faults "{\"rules\":[{$watch_ends}]}"
pod a
mount_weavers
wait_for 5 test -d "$MNT/a"
for code in 410 500 403 429; do
	watches_misbehave "\"error\":$code,\"count\":2"
	wait_for 10 met 2
	tree_follows 10
done

# Without watch lists, as a server says so today and as it does with an old etcd.
for refusal in '"status":422,"reason":"Invalid"' '"error":500'; do
	kubesim_faults "{\"rules\":[{\"verb\":\"watch\",\"path\":\"*sendInitialEvents*\",$refusal},{$watch_ends}]}"
	remount
	met 1 || fail "no watch list was asked for"
	tree_follows 5
done
