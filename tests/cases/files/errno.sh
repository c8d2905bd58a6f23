#!/bin/bash
# What cannot be done to a weaver's files fails with the errno of the contract and changes nothing.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
cd "$MNT/a"
assert_errno 'Permission denied' bash -c 'echo x >status'
assert_errno 'Permission denied' bash -c 'echo A=x >env'
assert_errno 'Permission denied' truncate -s 0 env
assert_errno 'Permission denied' truncate -s 0 pod.json
assert_errno 'Operation not permitted' touch new
assert_errno 'Operation not permitted' rm -f status
assert_errno 'Operation not permitted' mkdir sub
assert_errno 'Operation not permitted' ln status other
assert_errno 'Operation not permitted' ln -s status other
assert_errno 'Operation not permitted' mv status other
assert_errno 'Operation not permitted' mknod fifo p
assert_errno 'Not a directory' ls status/x
assert_errno 'No such file' cat nothing
assert_errno 'File too large' bash -c 'head -c 100000 /dev/zero | tr "\0" 1 | dd of=ttl bs=100000 iflag=fullblock 2>&1 >/dev/null | grep -v records >&2; exit "${PIPESTATUS[2]}"'
cd "$W"
assert_errno 'Operation not permitted' rm -r "$MNT/a"
assert_errno 'Operation not permitted' touch "$MNT/file"
test -d "$MNT/a" || fail "rm -r has deleted the weaver"
assert_eq a "$(pods)"
rmdir "$MNT/a"
