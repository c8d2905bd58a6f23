#!/bin/bash
# When the Secret cannot be made, the pod goes and the draft stays, also when nobody answers.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

none()
{
	[ -z "$(k get pods,secrets -l loom.dev/managed=true -o name)" ]
}

mount_weavers
D=$MNT/.drafts/a
mkdir "$D"
echo TOKEN=x >"$D/secrets"
kubesim_faults '{"rules": [{"verb": "create", "path": "*/secrets*", "status": 403, "reason": "Forbidden", "message": "User \"x\" cannot create secrets"}]}'
assert_errno 'Permission denied' mv "$D" "$MNT/a"
assert_match $'\tmv\ta\tEACCES\tsecrets: ' "$(cat "$MNT/.weaverfs/errors")"
assert_eq "" "$(ls "$MNT")"
wait_for 10 none
assert_eq TOKEN "$(cat "$D/secrets")"
kubesim_faults '{"rules": [{"verb": "create", "path": "*/secrets*", "delay_ms": 10000}]}'
assert_errno 'timed out' mv "$D" "$MNT/a"
kubesim_faults '{"rules": []}'
assert_eq "" "$(ls "$MNT")"
wait_for 10 none
makes()
{
	mv "$D" "$MNT/a"
}
wait_for 10 makes
assert_eq a "$(pods)"
