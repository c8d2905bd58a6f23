#!/bin/bash
# What a real API server, scheduler and kubelet refuse, weaver doctor says in one sentence, with the cure that fits.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/cli.sh"
. "$LIB/credentials.sh"
. "$LIB/manifests.sh"

unset WEAVER_MOUNT
# doctor [SOURCE [OPTIONS]]
doctor()
{
	run weaver doctor -o "namespace=$NS,image=$TEST_IMAGE${2:+,$2}" ${1:+"$1"}
}

# finds LINE CURE: the whole line after its mark, a regular expression, and what is below it.
finds()
{
	sed -nE "\\%^(✗|!) $1\$%,/^[^ ]/p" <<<"$out" | grep -qE "^   +.*$2" || fail "no '$1' with '$2' in: $out"
}

# only LINE CURE: that, and nothing else is wrong.
only()
{
	finds "$@"
	assert_eq 1 "$status" "exit status for '$1': $out"
	assert_match '^1 wrong, 0 to look at$' "$(tail -n 1 <<<"$out")" "of '$1': $out"
}

# The credential, the server, its certificate.
cp "$KUBECONFIG" changed
kubeconfig_change '.users[0].user = {token: "of-nobody"}' changed
doctor "$W/changed"
only 'credentials +.*Unauthorized.*' "kubectl create token weaverfs --namespace $NS"
cp "$KUBECONFIG" changed
kubeconfig_change '.clusters[0].cluster.server = "https://127.0.0.1:1"' changed
doctor "$W/changed"
only 'server +https://127.0.0.1:1: .*connect.*' 'systemctl status k3s'
cp "$KUBECONFIG" changed
kubeconfig_change ".clusters[0].cluster |= (del(.\"certificate-authority\") | .\"certificate-authority-data\" = \"$(
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout /dev/null \
		2>/dev/null | base64 -w 0)\")" changed
doctor "$W/changed"
only 'server +.*certificate.*' 'take it anew'

# The namespace: none, and one that cannot end.
doctor "$ADMIN_KUBECONFIG" namespace=not-there
only 'namespace +not-there does not exist on https://.*' 'kubectl create namespace not-there'
k create -f - >/dev/null <<<"{apiVersion: v1, kind: Namespace, metadata: {name: $NS-ends, finalizers: [weaverfs.test/held]}}"
at_end 'k patch namespace "$NS-ends" --type merge -p "{\"metadata\": {\"finalizers\": null}}" >/dev/null'
k delete namespace "$NS-ends" --wait=false >/dev/null 2>&1
doctor "$ADMIN_KUBECONFIG" "namespace=$NS-ends"
only "namespace +$NS-ends is terminating" 'wait until it is gone'

# What the account cannot look at, and a creation tells: a limit, the policy's idea of the sidecar, a wrong patch.
doctor
assert_match '✓ new weaver +the server would take one now' "$out"
k create -f - >/dev/null <<<'{apiVersion: v1, kind: LimitRange, metadata: {name: small},
	spec: {limits: [{type: Container, max: {cpu: 500m}}]}}'
limited()
{
	doctor
	! grep -q '✓ new weaver' <<<"$out"
}
wait_for 20 limited
only 'limits +pods ".*" is forbidden: maximum cpu usage per Container is 500m, but limit is 900m' \
	"limitrange --namespace $NS"
k delete limitrange small >/dev/null
wait_for 20 eval '! limited'
doctor '' audit_enabled=true,audit_image=localhost/other:1
only 'pod security +.*audit-sidecar must have the image of the ConfigMap weaver-policy.*' 'audit_image in force'
echo 'spec: {containers: [{name: weaver, noSuchField: 1}]}' >patch.yaml
doctor '' "pod_patch=$W/patch.yaml"
only 'new weaver +.*unknown field "spec.containers\[0\].noSuchField"' 'mend the field in the file pod_patch'
k label --overwrite namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
doctor '' audit_enabled=true
only 'pod security +audit_enabled, and the namespace enforces restricted' 'enforce=privileged'
grep -q '^– new weaver .*said above: pod security$' <<<"$out" || fail "$out"

# Its label, its quota, a pull secret of another kind.
k label --overwrite namespace "$NS" pod-security.kubernetes.io/enforce=privileged loom.dev/weavers- >/dev/null
k patch resourcequota weaver-quota --type merge -p '{"spec": {"hard": {"pods": "40"}}}' >/dev/null
k create secret generic ghcr-secret >/dev/null
quota_is_small()
{
	doctor "$ADMIN_KUBECONFIG" image_pull_secrets=ghcr-secret
	grep -q '^! quota' <<<"$out"
}
wait_for 20 quota_is_small
finds 'pod security +the namespace enforces .*, and has no label loom.dev/weavers=true for the policy' 'weaver setup makes the policy'
finds 'quota +weaver-quota: pods 40 is room for 40 default weavers, max_concurrent is 64' 'raise'
finds 'pull secret +ghcr-secret is of type Opaque, not kubernetes.io/dockerconfigjson' 'docker-registry ghcr-secret'
assert_match '^1 wrong, 2 to look at$' "$(tail -n 1 <<<"$out")" "$out"

# What becomes of weavers that are let in.
# broken NAME CHANGE-OF-ITS-CONTAINER
broken()
{
	make_pod_json "$1" "$(cat /proc/sys/kernel/random/uuid)" 'exec sleep 60' |
		jq ".spec.containers[0] |= ($2)" | k create -f - >/dev/null
}
broken large '.resources = {limits: {cpu: "30", memory: "64Mi"}, requests: {cpu: "30", memory: "64Mi"}}'
broken typo '.command = ["/no/such/program"]'
broken secretless '.env = [{name: "A", valueFrom: {secretKeyRef: {name: "absent", key: "a"}}}]'
broken root '.securityContext.runAsUser = 0'
broken greedy '.args = ["sh", "-c", "exec awk \"BEGIN { s = 1; while (1) s = s s }\""]'
all_seen()
{
	doctor
	[ "$(grep -c '^✗ weavers' <<<"$out")" = 5 ]
}
wait_for 60 all_seen
finds 'weavers +large: Unschedulable: .*Insufficient cpu.*' 'ask for less in cpu'
finds 'weavers +typo: (StartError|RunContainerError): .*/no/such/program.*' 'check command, args'
finds 'weavers +secretless: CreateContainerConfigError: secret "absent" not found' 'make what the message names'
finds 'weavers +root: CreateContainerConfigError: .*non-root.*' 'USER 1000:1000'
finds 'weavers +greedy: OOMKilled' 'with more memory'
