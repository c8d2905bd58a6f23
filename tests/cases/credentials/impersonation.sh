#!/bin/bash
# A kubeconfig's "as" is who acts: with its rights, and it is named when they are not enough.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/credentials.sh"

cp "$ADMIN_KUBECONFIG" "$KUBECONFIG"
kubeconfig_change ".users[].user.as = \"system:serviceaccount:$NS:weaverfs\""
mount_weavers
mkdir "$MNT/a"
umount_weavers

# Groups as well: the rights of this one come from its group alone.
kubeconfig_change '.users[].user.as = "somebody" | .users[].user["as-groups"] = ["system:masters"]'
mount_weavers
assert_eq a "$(ls "$MNT")"
umount_weavers

kubeconfig_change 'del(.users[].user["as-groups"])'
start_says 'User "somebody" cannot'
