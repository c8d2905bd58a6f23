#!/bin/bash
# weaver setup makes what k8s/manifests has, shows what changes, changes nothing twice, and nothing in a dry run.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/cli.sh"
. "$LIB/manifests.sh"

unset WEAVER_MOUNT
other=$NS-setup
setup()
{
	runs "$1" weaver setup -o namespace="$other" "${@:2}" "$ADMIN_KUBECONFIG"
}

at_end 'k delete namespace "$other" --wait=false >/dev/null 2>&1 || true'

setup 0 --dry-run
assert_match '\+ Namespace .*would be made \(dry run\)' "$out"
expect_fail k get namespace "$other"
setup 0
assert_match '\+ Namespace .*: made' "$out"
assert_match '\+ Role weaverfs: made' "$out"
assert_match ', 0 failed$' "$out"
for object in serviceaccount/weaverfs role/weaverfs rolebinding/weaverfs resourcequota/weaver-quota; do
	k --namespace "$other" get $object >/dev/null
done
k get namespace "$other" -o json >"$W/namespace.json"
manifests "$other" namespace | grep -q "$(jq -r '.metadata.labels["pod-security.kubernetes.io/enforce"]' "$W/namespace.json")"

versions()
{
	k --namespace "$other" get role,rolebinding,resourcequota,serviceaccount -o json |
		jq -c '.items[] | select(.metadata.name != "default") | .metadata.resourceVersion'
	k get namespace "$other" -o jsonpath='{.metadata.resourceVersion}'
}
before=$(versions)
setup 0
assert_match '^0 made, 0 changed, [0-9]+ as they should be, 0 failed' "$(tail -n 1 <<<"$out")"
assert_eq "$before" "$(versions)" "resource versions"

# What somebody has changed is shown, and put right; what he added stays.
k --namespace "$other" patch resourcequota weaver-quota --type merge \
	-p '{"spec":{"hard":{"pods":"3","configmaps":"50"}}}' >/dev/null
setup 0 -n
assert_match 'spec.hard.pods: "3" → "64"' "$out"
assert_eq 3 "$(k --namespace "$other" get resourcequota weaver-quota -o jsonpath='{.spec.hard.pods}')"
setup 0
assert_match '~ ResourceQuota weaver-quota: changed' "$out"
assert_eq '64 50' "$(k --namespace "$other" get resourcequota weaver-quota \
	-o jsonpath='{.spec.hard.pods} {.spec.hard.configmaps}')"

# Who may not is told.
cp "$ADMIN_KUBECONFIG" "$W/nobody"
"$KUBECTL" --kubeconfig "$W/nobody" config set-credentials nobody --token=nonsense >/dev/null
"$KUBECTL" --kubeconfig "$W/nobody" config set-context --current --user=nobody >/dev/null
runs 1 weaver setup -o namespace="$other" "$W/nobody"
assert_match '✗ Namespace .*: failed' "$out"
assert_match 'weaver doctor says how' "$out"
runs 1 weaver setup "$W/none"
assert_match 'no such' "$err"
