#!/bin/bash
# A weaver that cannot start says what it waits for, and goes on when that is there.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
# Else the API server itself refuses the one that asks for root.
k label namespace "$NS" --overwrite pod-security.kubernetes.io/enforce=privileged loom.dev/weavers- >/dev/null
pod_of far 'sleep 600' '.spec.nodeSelector = {none: "x"}'
pod_of root 'sleep 600' '.spec.containers[0].securityContext.runAsUser = 0'
pod_of key 'sleep 600' '.spec.containers[0].env = [{name: "A",
	valueFrom: {secretKeyRef: {name: "absent", key: "a"}}}]'
pod_of volume 'sleep 600' '.spec.volumes = [{name: "v", secret: {secretName: "absent"}}]
	| .spec.containers[0].volumeMounts = [{name: "v", mountPath: "/v"}]'
told far Pending pending '' '^Unschedulable: 0/[0-9]+ nodes are available: ' \
	'no node has the labels that the setting pod_patch asks for'
told root CreateContainerConfigError pending '' \
	'^CreateContainerConfigError: container.s runAsUser breaks non-root policy' 'USER 1000:1000'
told key CreateContainerConfigError pending '' \
	'^CreateContainerConfigError: secret "absent" not found$' \
	"a secret that the pod names does not exist: compare with kubectl get secrets --namespace=$NS"
told volume ContainerCreating pending '' \
	'^FailedMount: MountVolume.SetUp failed for volume "v" : secret "absent" not found$' \
	'a secret that the pod names does not exist'
k create secret generic absent --from-literal=a=b >/dev/null
well key Running running ''
