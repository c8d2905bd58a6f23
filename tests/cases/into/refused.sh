#!/bin/bash
# A refused upgrade gives the server's own words to sh, exec and stdin, and the errno that is theirs.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/into.sh"

# refuse: exec and attach, as RBAC does it.
refuse()
{
	if [ "$TEST_CLUSTER" = sim ]; then
		kubesim_faults '{"rules":[{"path":"*/pods/*/exec*","status":403,"reason":"Forbidden",
			"message":"User \"system:serviceaccount:x:weaverfs\" cannot get resource \"pods/exec\""},
			{"path":"*/pods/*/attach*","status":403,"reason":"Forbidden",
			"message":"User \"system:serviceaccount:x:weaverfs\" cannot get resource \"pods/attach\""}]}'
		return
	fi
	k get role weaverfs -o json | jq '.rules |= map(.resources |= map(select(test("/(exec|attach)$") | not)))
		| .rules |= map(select(.resources != []))' | k replace -f - >/dev/null
	wait_for 20 may_not
}

may_not()
{
	! "$KUBECTL" auth can-i get pods --subresource=exec --namespace "$NS"
}

mount_weavers
running_weaver a
assert_eq 0 "$(status_of "$MNT/a/sh" -c true)"
refuse
assert_eq 255 "$(status_of "$MNT/a/sh" -c true)"
assert_match '^weaver: .*User "system:serviceaccount:.*:weaverfs" cannot get resource "pods/exec"' "$(cat "$W/err")"
assert_errno 'Permission denied' bash -c "exec 3<>'$MNT/a/exec'; echo true >&3; cat <&3"
assert_match $'\trun\ta/exec\tEACCES\t.*cannot get resource "pods/exec"' "$(tail -n 1 "$MNT/.weaverfs/errors")"
said=$(bash -c "echo x >'$MNT/a/stdin'" 2>&1) && fail "stdin was refused, and nobody said so"
assert_match 'Permission denied' "$said"
