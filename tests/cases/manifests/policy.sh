#!/bin/bash
# The admission policy: weavers with and without a sidecar pass; no more than Pod Security "restricted" for all but the sidecar, which is what weaverfs makes.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

# variant JQ-FILTER: the pod of "a" changed so, as somebody else would create it; says why not.
variant()
{
	jq -c ".metadata.name = \"variant\" | ($1)" pod.json | k create --dry-run=server -f - 2>&1
}

allows()
{
	local said
	said=$(variant "$1") || fail "refused: $1: $said"
}

refuses()
{
	local said
	! said=$(variant "$2") || fail "allowed: $2"
	[[ $said == *"denied request: "*"$1"* ]] || fail "$2: expected '$1', got '$said'"
}

policy_is_in_force()
{
	[[ $(k run probe --image=x --dry-run=server 2>&1) == *'denied request'* ]]
}

wait_for 30 policy_is_in_force
mount_weavers audit_enabled=true,audit_image=localhost/audit:1
expect_fail mkdir "$MNT/other"
assert_match 'EPERM.*audit-sidecar must have the image of the ConfigMap weaver-policy' \
	"$(tail -n 1 "$MNT/.weaverfs/errors")"
umount_weavers
mount_weavers audit_enabled=false
mkdir "$MNT/plain"
umount_weavers
mount_weavers audit_enabled=true,audit_probes=shared,audit_token_secret=token,audit_ca_secret=ca
mkdir "$MNT/a"
k get pod "$(cat "$MNT/a/pod")" -o json | jq 'del(.status, .spec.nodeName, .spec.serviceAccountName,
	.spec.serviceAccount) | .metadata |= {name, namespace, labels}' >pod.json

main='.spec.containers[0]'
security="$main.securityContext"
sidecar='.spec.initContainers[0]'
other="{name: \"other\", image: \"x\", resources: $main.resources, securityContext: $security}"
allows .
allows 'del(.spec.initContainers, .spec.volumes)'
allows "$security.capabilities.add = [\"NET_BIND_SERVICE\"]"
allows ".spec.volumes += [{name: \"v\", configMap: {name: \"c\"}}] | $main.volumeMounts = [{name: \"v\", mountPath: \"/v\"}]"
allows "$security.seccompProfile = null | .spec.securityContext.seccompProfile = {type: \"RuntimeDefault\"}"
allows "del($security.runAsNonRoot) | .spec.securityContext.runAsNonRoot = true"
allows ".spec.initContainers += [$other]"

refuses 'privileged' "$security.privileged = true | $security.allowPrivilegeEscalation = true"
refuses 'allowPrivilegeEscalation' "$security.allowPrivilegeEscalation = true"
refuses 'allowPrivilegeEscalation' "del($security.allowPrivilegeEscalation)"
refuses 'NET_BIND_SERVICE' "$security.capabilities.add = [\"SYS_ADMIN\"]"
refuses 'NET_BIND_SERVICE' "$security.capabilities.add = [\"BPF\"]"
refuses 'NET_BIND_SERVICE' ".spec.initContainers += [$other | .securityContext.capabilities.add = [\"PERFMON\"]]"
refuses 'NET_BIND_SERVICE' ".spec.containers += [$sidecar | del(.restartPolicy, .startupProbe, .volumeMounts)] | del(.spec.initContainers)"
refuses 'drop the capability ALL' "$security.capabilities.drop = [\"NET_RAW\"]"
refuses 'drop the capability ALL' "del($sidecar.securityContext.capabilities.drop)"
refuses 'runAsNonRoot' "$security.runAsUser = 0 | del($security.runAsNonRoot)"
refuses 'runAsNonRoot' "del($security.runAsNonRoot)"
refuses 'runAsNonRoot' '.spec.securityContext.runAsUser = 0'
refuses 'seccompProfile' "$security.seccompProfile = {type: \"Unconfined\"}"
refuses 'seccompProfile' "del($security.seccompProfile)"
refuses 'seccompProfile' "del($sidecar.securityContext.seccompProfile)"
for namespace in hostNetwork hostPID hostIPC; do
	refuses 'host namespaces' ".spec.$namespace = true"
done
refuses 'host ports' "$main.ports = [{containerPort: 80, hostPort: 80}]"
refuses 'may not name a host' "$main.livenessProbe = {httpGet: {port: 80, host: \"192.0.2.1\"}}"
refuses 'may not name a host' "$main.lifecycle = {postStart: {tcpSocket: {port: 80, host: \"192.0.2.1\"}}}"
refuses 'may not name a host' "$sidecar.startupProbe.httpGet.host = \"192.0.2.1\""
refuses 'AppArmor' "$security.appArmorProfile = {type: \"Unconfined\"}"
refuses 'SELinux' "$security.seLinuxOptions = {type: \"spc_t\"}"
refuses 'SELinux' '.spec.securityContext.seLinuxOptions = {user: "root"}'
refuses '/proc must be masked' "$security.procMount = \"Unmasked\" | .spec.hostUsers = false"
refuses 'sysctls' '.spec.securityContext.sysctls = [{name: "kernel.msgmax", value: "1"}]'
refuses 'volumes may be' '.spec.volumes += [{name: "v", nfs: {server: "192.0.2.1", path: "/"}}]'
for path in / /sys/fs /sys/fs/bpf/ /sys/fs/bpf/x /var/run; do
	refuses 'volumes may be' ".spec.volumes += [{name: \"v\", hostPath: {path: \"$path\"}}]"
done
for volume in bpffs audit-buffer audit-token; do
	refuses 'only audit-sidecar may mount' "$main.volumeMounts = [{name: \"$volume\", mountPath: \"/v\"}]"
done
refuses 'only audit-sidecar may mount' "del(.spec.initContainers) | $main.volumeMounts = [{name: \"bpffs\", mountPath: \"/v\"}]"

refuses 'must have the image' "$sidecar.image = \"x\""
refuses 'BPF and PERFMON alone' "$sidecar.securityContext.capabilities.add += [\"SYS_ADMIN\"]"
refuses 'no container may be privileged' "$sidecar.securityContext.privileged = true | del($sidecar.securityContext.allowPrivilegeEscalation)"
for field in 'command = ["sh"]' 'args = ["-x"]' 'workingDir = "/x"' 'ports = [{containerPort: 1}]' \
	'envFrom = [{secretRef: {name: "s"}}]' 'lifecycle = {preStop: {exec: {command: ["sh"]}}}' \
	'livenessProbe = {tcpSocket: {port: 1}}' 'startupProbe = {exec: {command: ["sh"]}}'; do
	refuses 'no command, args, workingDir' "$sidecar.$field"
done
refuses 'only LOOM_*' "$sidecar.env += [{name: \"LD_PRELOAD\", value: \"/x\"}]"
refuses 'may mount /sys/fs/bpf' "$sidecar.volumeMounts += [{name: \"bpffs\", mountPath: \"/x\"}]"
refuses 'may mount /sys/fs/bpf' "$sidecar.volumeMounts[0].subPath = \"x\""
refuses 'may mount /sys/fs/bpf' ".spec.volumes += [{name: \"v\", configMap: {name: \"c\"}}] | $sidecar.volumeMounts += [{name: \"v\", mountPath: \"/audit-sidecar\"}]"

# What runs is not loosened either.
assert_match 'must have the image' "$(k set image "pod/$(cat "$MNT/a/pod")" audit-sidecar=x 2>&1 || true)"
assert_match 'drop the capability ALL' \
	"$(k debug "$(cat "$MNT/a/pod")" --image=x --profile=general --target=weaver -- true 2>&1 || true)"
# A namespace that has lost its weaver-policy refuses all, rather than none.
k delete configmap weaver-policy >/dev/null
refuses '' .
