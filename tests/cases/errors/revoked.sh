#!/bin/bash
# Rights that are taken away while mounted: EACCES with the server's words, reads go on, and all is well again later.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

last_error()
{
	tail -n 1 "$MNT/.weaverfs/errors"
}

may()
{
	"$KUBECTL" auth can-i create pods --namespace "$NS"
}

may_not()
{
	! may
}

mount_weavers
mkdir "$MNT/a"
wait_for 60 status_is a running
k get rolebinding weaverfs -o json | jq 'del(.metadata.uid, .metadata.resourceVersion)' >binding.json
k delete rolebinding weaverfs >/dev/null
wait_for 20 may_not
assert_errno 'Permission denied' mkdir "$MNT/b"
assert_match $'\tmkdir\tb\tEACCES\t.*User "system:serviceaccount:'"$NS"':weaverfs" cannot create resource "pods"' \
	"$(last_error)"
assert_errno 'Permission denied' rmdir "$MNT/a"
assert_match $'\trmdir\ta\tEACCES\t.*cannot delete resource "pods"' "$(last_error)"
assert_errno 'Permission denied' bash -c "echo 1h >'$MNT/a/ttl'"
assert_match $'\twrite\ta/ttl\tEACCES\t.*cannot patch resource "pods"' "$(last_error)"
assert_errno 'Permission denied' cat "$MNT/a/pod.json"
assert_match $'\topen\ta/pod.json\tEACCES\t.*cannot get resource "pods"' "$(last_error)"
assert_errno 'Permission denied' cat "$MNT/a/logs"
assert_match $'\topen\ta/logs\tEACCES\t.*cannot get resource "pods/log"' "$(last_error)"
assert_eq running "$(cat "$MNT/a/status")"
assert_eq a "$(ls "$MNT")"
assert_eq a "$(pods)"
expect_fail "$WEAVERFS" -f -o "namespace=$NS,state_dir=$W/state,start_timeout=2" "$W/tmp"
k create -f binding.json >/dev/null
wait_for 20 may
mkdir "$MNT/b"
grep -q 'weaver ready' "$MNT/a/logs"
