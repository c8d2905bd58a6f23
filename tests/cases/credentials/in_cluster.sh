#!/bin/bash
# Inside a pod no kubeconfig is needed: the service account's directory is used, and its token when it rotates.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/credentials.sh"

# rotate TOKEN: as the kubelet does it, by renaming a symbolic link.
rotate()
{
	local to
	to=$(mktemp -d "$account/..XXXXXX")
	echo "$1" >"$to/token"
	echo "$NS" >"$to/namespace"
	base64 -d <<<"$ca" >"$to/ca.crt"
	ln -sfn "${to##*/}" "$account/..new"
	mv -T "$account/..new" "$account/..data"
}

value()
{
	"$KUBECTL" config view --raw --minify -o "jsonpath={$1}"
}

account=/run/secrets/kubernetes.io/serviceaccount
mount -n -t tmpfs none /run
mkdir -p "$account"
ln -s ..data/token ..data/namespace ..data/ca.crt "$account"
host=$(value .clusters[0].cluster.server)
host=${host#https://}
ca=$(value '.clusters[0].cluster.certificate-authority-data')
if [ "$TEST_CLUSTER" = real ]; then
	token=$(token_make first)
else
	token=$(cat "$W/kubesim/token")
fi
rotate "$token"
[ ! -e /etc/rancher/k3s/k3s.yaml ] || skip "this machine has a k3s"
unset KUBECONFIG
export KUBERNETES_SERVICE_HOST=${host%:*} KUBERNETES_SERVICE_PORT=${host##*:}
mount_weavers
mkdir "$MNT/a"
assert_match 'in-cluster|serviceaccount' "$(cat "$W/weaverfs.log" "$MNT/.weaverfs/health")"
if [ "$TEST_CLUSTER" = real ]; then
	rotate "$(token_make second)"
	token_revoke first "$token"
	mkdir "$MNT/b"
fi
umount_weavers
