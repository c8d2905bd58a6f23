#!/bin/bash
# When mv of a draft fails, nothing is made and the draft stays as it was; the errno says why.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

stays()
{
	assert_eq d "$(ls "$MNT/.drafts")" "after $1"
	assert_eq 10m "$(cat "$D/cpu")" "after $1"
	assert_eq taken "$(pods | xargs)" "after $1"
	assert_eq taken "$(ls "$MNT")" "after $1"
}

k delete resourcequota --all >/dev/null
mount_weavers max_concurrent=2
D=$MNT/.drafts/d
mkdir "$D" "$MNT/taken"
echo 10m >"$D/cpu"
assert_errno 'File exists' mv -T "$D" "$MNT/taken"
stays 'a name that is taken'
assert_errno 'Protocol error' mv "$D" "$MNT/UPPER"
assert_errno 'File name too long' mv "$D" "$MNT/$(printf 'a%.0s' {1..64})"
assert_errno 'Operation not permitted' mv "$D" "$MNT/.hidden"
assert_errno 'Operation not permitted' mv "$D" "$MNT/taken/"
stays 'a bad name'
mkdir "$MNT/second"
assert_errno 'Disk quota exceeded' mv "$D" "$MNT/x"
rmdir "$MNT/second"
wait_gone()
{
	[ "$(k get pods -o name | wc -l)" = 1 ]
}
wait_for 30 wait_gone
k create quota small --hard=pods=1 >/dev/null
quota_counts()
{
	[ -n "$(k get resourcequota small -o 'jsonpath={.status.used.pods}')" ]
}
wait_for 10 quota_counts
assert_errno 'Disk quota exceeded' mv "$D" "$MNT/x"
stays 'the quota'
assert_match $'\tmv\tx\tEDQUOT\t.*exceeded quota: small' "$(tail -n 1 "$MNT/.weaverfs/errors")"
k delete quota small >/dev/null

# What only the server knows to be wrong: mv words EINVAL as something else.
echo "$(printf 'a%.0s' {1..200})/b:c" >"$D/image"
printf 'x=%s\n' "$(printf 'a%.0s' {1..200})" >"$D/tags"
printf '%s\n' 64Mi >"$D/memory"
mv "$D" "$MNT/x"
assert_eq "taken x" "$(pods | xargs)"
