#!/bin/bash
# Image names make pods fail in each way, with the words, reasons and events of a real cluster.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

pod()
{
	make_pod_json "$1" "$1" 'sleep 600' "${3:-{\}}" |
		jq --arg name "$1" --arg image "$2" '.metadata.name = $name
			| .spec.containers[0].image = $image' | k create -f - >/dev/null
}

status_becomes()
{
	[ "$(k get pod "$1" --no-headers | awk '{print $3}')" = "$2" ]
}

event()
{
	k get events --field-selector "involvedObject.name=$1,reason=$2" -o 'jsonpath={.items[*].message}'
}

pod missing missing/none:1
pod crash crash/me:1
pod oom oom/me:1
pod bad 'BAD//Ref:x:y'
pod far any:1 '{"nodeSelector": {"none": "x"}}'
pod slow slow/start:1
pod late any:1 '{"activeDeadlineSeconds": 2, "terminationGracePeriodSeconds": 1}'
make_pod_json nosuch nosuch true | jq '.metadata.name = "nosuch"
	| .spec.containers[0].args = ["/no/such/program"]' | k create -f - >/dev/null

wait_for 20 status_becomes missing ErrImagePull
wait_for 20 status_becomes crash Error
wait_for 20 status_becomes oom OOMKilled
assert_eq 137 "$(k get pod oom -o 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')"
wait_for 20 status_becomes bad InvalidImageName
wait_for 20 status_becomes nosuch StartError
assert_eq 1970-01-01T00:00:00Z \
	"$(k get pod nosuch -o 'jsonpath={.status.containerStatuses[0].state.terminated.startedAt}')"
wait_for 20 status_becomes far Pending
assert_match "didn't match Pod's node affinity/selector" "$(event far FailedScheduling)"
assert_eq Unschedulable "$(k get pod far -o 'jsonpath={.status.conditions[0].reason}')"
wait_for 20 status_becomes slow ContainerCreating
assert_match 'is waiting to start: ContainerCreating' "$(k logs slow 2>&1 || true)"
wait_for 20 status_becomes missing ImagePullBackOff
assert_match 'Back-off pulling image "missing/none:1"' "$(event missing BackOff)"
assert_match "trying and failing to pull image|image can't be pulled" "$(k logs missing 2>&1 || true)"
wait_for 20 status_becomes late Error
assert_eq DeadlineExceeded "$(k get pod late -o 'jsonpath={.status.reason}')"
k delete pods --all --grace-period=0 --force --timeout=30s >/dev/null 2>&1
assert_eq "" "$(k get pods -o name)"
