#!/bin/bash
# $KUBECONFIG may be a list: what the files hold together counts, the first wins, missing ones are passed over.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/credentials.sh"

cp "$KUBECONFIG" "$W/clusters"
cp "$KUBECONFIG" "$W/users"
cp "$KUBECONFIG" "$W/later"
kubeconfig_change 'del(.users, ."current-context")' "$W/clusters"
kubeconfig_change 'del(.clusters, .contexts)' "$W/users"
kubeconfig_change '.clusters[].cluster.server = "https://127.0.0.1:1" | .users[].user = {token: "no"}
	| ."current-context" = "nowhere"' "$W/later"
export KUBECONFIG=$W/missing:$W/clusters:$W/users:$W/later
mount_weavers
mkdir "$MNT/a"
umount_weavers

KUBECONFIG=$W/users:$W/later start_says 'https://127\.0\.0\.1:1'
KUBECONFIG=$W/clusters start_says "$W/clusters"
