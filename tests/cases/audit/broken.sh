#!/bin/bash
# Where auditing cannot begin the weaver does not start, and `reason` says why: no image, no capability; without a sidecar audit is ENODATA.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/audit.sh"
. "$LIB/reason.sh"

options=$(audit_options)
mount_weavers "$options"
audited_weaver well
mkdir "$W/none"
MNT=$W/none mount_weavers audit_enabled=false
mkdir "$W/none/plain"
for file in audit follow/audit metrics; do
	assert_errno 'No data available' cat "$W/none/plain/$file"
done
assert_match 'plain/follow/audit.ENODATA.*made with audit_enabled=false' "$(tail -n 2 "$W/none/.weaverfs/errors")"
rmdir "$W/none/plain"
umount_none()
{
	MNT=$W/none umount_weavers
}
umount_none

umount_weavers
# The sidecar without its capabilities: it runs, and says that it is not healthy.
cat >patch.yaml <<END
spec:
  initContainers:
  - name: audit-sidecar
    securityContext: {capabilities: {add: []}}
END
mount_weavers "$options,pod_patch=$W/patch.yaml"
mkdir "$MNT/blind"
wait_for 90 reason_matches blind 'Unhealthy: audit-sidecar: Startup probe failed: '
wait_for 20 hint_matches blind 'it said last: .*Operation not permitted'
hint_matches blind 'audit_required' || fail "$(cat "$MNT/blind/reason")"
assert_eq pending "$(cat "$MNT/blind/status")"
assert_eq "" "$(cat "$MNT/blind/audit")"
rmdir "$MNT/blind" "$MNT/well"
umount_weavers

image=localhost/missing/audit:1
[ "$TEST_CLUSTER" != real ] || k patch configmap weaver-policy -p "{\"data\": {\"audit_image\": \"$image\"}}" >/dev/null
mount_weavers "${options%audit_image=*}audit_image=$image"
wait_for 20 mkdir "$MNT/a"
told a 'Init:(ErrImagePull|ImagePullBackOff)' pending '' '(ErrImagePull|ImagePullBackOff): audit-sidecar: ' "$image .setting audit_image."
