#!/bin/bash
# A namespace that is going away is EROFS for mkdir, and once it is gone ENOENT; no start on either.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

refuses_start()
{
	local said
	! said=$(timeout 30 "$WEAVERFS" -f -o "namespace=$other,state_dir=$W/state" "$W/tmp" 2>&1) ||
		fail "started, and must not"
	assert_match "$1" "$said"
}

gone()
{
	! k get namespace "$other"
}

other=$NS-going
KUBECONFIG=$ADMIN_KUBECONFIG
export KUBECONFIG
k create namespace "$other" >/dev/null
mount_weavers "namespace=$other"
# Something in it that stays, so that it cannot go.
k create --namespace "$other" configmap stays >/dev/null
k patch --namespace "$other" configmap stays -p '{"metadata":{"finalizers":["loom.dev/test"]}}' >/dev/null
k delete namespace "$other" --wait=false >/dev/null 2>&1
assert_errno 'Read-only file system' mkdir "$MNT/a"
assert_match $'\tmkdir\ta\tEROFS\t.*because it is being terminated' "$(tail -n 1 "$MNT/.weaverfs/errors")"
refuses_start "namespace $other is terminating"
k patch --namespace "$other" configmap stays -p '{"metadata":{"finalizers":null}}' >/dev/null
wait_for 60 gone
assert_errno 'No such file or directory' mkdir "$MNT/a"
assert_match $'\tmkdir\ta\tENOENT\t.*namespaces "'"$other"'" not found' "$(tail -n 1 "$MNT/.weaverfs/errors")"
refuses_start "kubectl create namespace $other"
