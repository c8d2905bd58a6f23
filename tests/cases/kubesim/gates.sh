#!/bin/bash
# A pod with a scheduling gate stays pending also when another one has ended and made room.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/watch.sh"

phase()
{
	k get pod "$1" -o jsonpath='{.status.phase}/{.spec.nodeName}'
}

ran()
{
	[ "$(phase weaver-"$1")" = Succeeded/kubesim ]
}

pending_pod gated | jq '.metadata.name = "weaver-gated"' | k create -f - >/dev/null
make_pod_json first 1 true | k create -f - >/dev/null
wait_for 20 ran 1
k delete pod weaver-1 >/dev/null
make_pod_json second 2 true | k create -f - >/dev/null
wait_for 20 ran 2
assert_eq Pending/ "$(phase weaver-gated)"
