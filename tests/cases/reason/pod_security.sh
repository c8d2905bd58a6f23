#!/bin/bash
# A namespace whose Pod Security level refuses weavers: mkdir is EPERM and the label to set is named.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

mount_weavers audit_enabled=true
k label namespace "$NS" --overwrite pod-security.kubernetes.io/enforce=baseline >/dev/null
assert_errno 'Operation not permitted' mkdir "$MNT/a"
assert_match 'EPERM.*violates PodSecurity "baseline:latest"' "$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_match 'pod-security.kubernetes.io/enforce=privileged' "$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_eq "" "$(ls "$MNT")"
assert_eq "" "$(pods)"
MNT=$W/plain mount_weavers audit_enabled=false
k label namespace "$NS" --overwrite pod-security.kubernetes.io/enforce=restricted >/dev/null
mkdir "$W/plain/a"
assert_eq a "$(pods)"
