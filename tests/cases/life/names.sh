#!/bin/bash
# A name that is no DNS-1123 label is refused with the errno of the contract, and nothing is made.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
for name in A a_b -a a- 'a b' 'ä' a.b '*'; do
	assert_errno 'Invalid argument' mkdir "$MNT/$name"
done
assert_errno 'File name too long' mkdir "$MNT/$(printf 'a%.0s' {1..64})"
assert_errno 'Operation not permitted' mkdir "$MNT/.hidden"
mkdir "$MNT/$(printf 'a%.0s' {1..63})" "$MNT/0"
assert_errno 'File exists' mkdir "$MNT/0"
assert_eq 2 "$(pods | wc -l)"
assert_errno 'Operation not permitted' mkdir "$MNT/0/sub"
assert_errno 'No such file' rmdir "$MNT/none"
assert_errno 'Operation not permitted' rmdir "$MNT/.weaverfs"
assert_match $'\tmkdir\ta_b\tEINVAL\t' "$(cat "$MNT/.weaverfs/errors")"
