#!/bin/bash
# A ResourceQuota that refuses the pod is EDQUOT, with the server's words in .weaverfs/errors.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

k delete resourcequota --all >/dev/null
k create quota small --hard=pods=1 >/dev/null
mount_weavers
quota_counts()
{
	[ -n "$(k get resourcequota small -o 'jsonpath={.status.hard.pods}')" ]
}
wait_for 10 quota_counts
mkdir "$MNT/a"
assert_errno 'Disk quota exceeded' mkdir "$MNT/b"
assert_match 'EDQUOT.*exceeded quota: small, requested: pods=1, used: pods=1' \
	"$(tail -n 1 "$MNT/.weaverfs/errors")"
assert_eq a "$(ls "$MNT")"
assert_eq a "$(pods)"
