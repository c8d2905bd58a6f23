#!/bin/bash
# A weaver that the kubelet has evicted says so, with the limit that it crossed.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# timeout: 180
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
pod_of writer 'dd if=/dev/zero of=/v/full bs=1M count=8; exec sleep 600' '
	.spec.volumes = [{name: "v", emptyDir: {sizeLimit: "1Mi"}}]
	| .spec.containers[0].volumeMounts = [{name: "v", mountPath: "/v"}]
	| .spec.securityContext.fsGroup = 1000 | .spec.terminationGracePeriodSeconds = 1'
told writer 'Error|Evicted' failed '(137|143)' \
	'^Evicted: Usage of EmptyDir volume "v" exceeds the limit "1Mi"' \
	'the node ended the whole pod; the limit that was crossed is in the message'
