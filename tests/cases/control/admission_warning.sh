#!/bin/bash
# What the server accepts with a warning is in .weaverfs/errors, and is no error.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

k label namespace "$NS" --overwrite pod-security.kubernetes.io/enforce=privileged \
	pod-security.kubernetes.io/warn=restricted >/dev/null
mount_weavers audit_enabled=true
mkdir "$MNT/a"
assert_match $'\tmkdir\ta\twarning\twould violate PodSecurity "restricted:latest"' \
	"$(cat "$MNT/.weaverfs/errors")"
grep -q '^weaverfs_errors_total 0$' "$MNT/.weaverfs/metrics" || fail "it was counted as an error"
