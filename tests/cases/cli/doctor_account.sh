#!/bin/bash
# With the shipped account and manifests weaver doctor finds nothing wrong; without them it says what is.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# timeout: 240
. "$LIB/case.sh"
. "$LIB/cli.sh"
. "$LIB/manifests.sh"

unset WEAVER_MOUNT
doctor()
{
	run weaver doctor -o "namespace=$NS,image=$TEST_IMAGE${1:+,$1}"
}

says()
{
	grep -qE "$1" <<<"$out" || fail "no '$1' in: $out"
}

doctor
assert_eq 0 "$status" "$out"
says '^✓ rbac +all [0-9]+ verbs'
says '^✓ server .*Kubernetes v1\.'
says '^✓ quota'

k get role weaverfs -o json | jq '.rules |= map(select(.resources != ["pods/log"]))' | k replace -f - >/dev/null
wait_for 10 sh -c "! weaver doctor -o namespace=$NS"
doctor
says "^✗ rbac +not allowed in $NS: get pods/log$"
manifests "$NS" rbac | k apply -f - >/dev/null 2>&1
wait_for 10 weaver doctor -o "namespace=$NS"

k patch resourcequota weaver-quota --type merge -p '{"spec":{"hard":{"pods":"0"}}}' >/dev/null
wait_for 20 sh -c "weaver doctor -o namespace=$NS | grep -q '✗ quota.*pods: 0 used of 0'"
k patch resourcequota weaver-quota --type merge -p '{"spec":{"hard":{"pods":"64"}}}' >/dev/null

# The account may read no secret: an event tells.
doctor image_pull_secrets=ghcr-secret
says '^– pull secret +ghcr-secret: this account may not look'
mount_weavers image_pull_secrets=ghcr-secret
run env WEAVER_MOUNT="$MNT" weaver new bad -d --image localhost/missing:none
assert_eq 1 "$status"
wait_for 30 sh -c "weaver doctor -o namespace=$NS,image_pull_secrets=ghcr-secret | grep -q '✗ pull secret  *ghcr-secret does not exist'"
doctor
says '^✗ image +bad: (ErrImagePull|ImagePullBackOff)'
rmdir "$MNT/bad"

k label --overwrite namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
doctor audit_enabled=true
says '^✗ pod security +audit_enabled, and the namespace enforces restricted'

run weaver doctor -o namespace=default
says "^✗ rbac +namespaces \"default\" is forbidden"
