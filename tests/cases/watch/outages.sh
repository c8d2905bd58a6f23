#!/bin/bash
# 200 changes by kubectl while the API server is killed and started again, thrice: then the tree is its list.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# cluster: real
# tier: all
. "$LIB/case.sh"
. "$LIB/watching.sh"

ctl()
{
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" "$@"
}

# insist COMMAND...: until it has succeeded; each can be done twice.
insist()
{
	until "$@" >>"$W/kubectl.log" 2>&1; do
		sleep 0.2
	done
}

# 60 made, 60 labelled, 60 renamed, 20 deleted, one request each.
changes()
{
	local i
	for i in $(seq 60); do
		make_pod_json "p$i" "p$i" true '{"nodeSelector": {"none": "x"}}' >>"$W/pods.json"
	done
	insist k apply -f "$W/pods.json"
	insist k label pods -l loom.dev/managed=true --overwrite step=1
	for i in $(seq 60); do
		insist k label pod "weaver-p$i" --overwrite "loom.dev/name=r$i"
	done
	insist k delete pods --ignore-not-found --force --grace-period=0 $(seq -f 'weaver-p%g' 20)
}

mount_weavers
changes &
changing=$!
for i in 1 2 3; do
	sleep "$i" # in the middle of something
	ctl restart apiserver
	ctl wait apiserver
done
wait "$changing"
assert_eq 40 "$(pods | wc -l)"
wait_for 20 same
assert_eq "$(seq -f 'r%g' 21 60 | sort)" "$(ls "$MNT" | sort)"
