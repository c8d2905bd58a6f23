#!/bin/bash
# usage says what the metrics server has measured, and ENODATA where there is none.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
wait_for 30 status_is a running
assert_errno 'No data available' cat "$MNT/a/usage"
assert_match 'ENODATA' "$(tail -n 1 "$MNT/.weaverfs/errors")"
[ "$TEST_CLUSTER" = sim ] || case_end 0

# What a metrics server says of a pod of two containers, which kubesim has none of.
message=$(jq -nc '{kind: "PodMetrics", containers: [
	{name: "weaver", usage: {cpu: "1234567n", memory: "2Mi"}},
	{name: "audit-sidecar", usage: {cpu: "3m", memory: "4Ki"}}]}')
kubesim_faults "$(jq -nc --arg message "$message" '{rules: [{path: "/apis/metrics.k8s.io/v1beta1/namespaces/*/pods/weaver-*",
	status: 200, text: true, message: $message}]}')"
assert_eq $'cpu_millicores=5\nmemory_bytes=2101248' "$(cat "$MNT/a/usage")"
kubesim_faults '{"rules": [{"path": "/apis/metrics.k8s.io/*", "status": 200, "text": true, "message": "hello"}]}'
sleep 2.1 # an answer is good for 2 s
assert_errno 'Protocol error' cat "$MNT/a/usage"
kubesim_faults '{"rules": [{"path": "/apis/metrics.k8s.io/*", "status": 403, "reason": "Forbidden",
	"message": "User \"x\" cannot get resource"}]}'
assert_errno 'Permission denied' cat "$MNT/a/usage"
