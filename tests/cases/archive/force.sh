#!/bin/bash
# rmdir of an entry whose weaver does not want to end forces the end, and frees its slot at once.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

pod_gone()
{
	! k get pod "$1"
}

mount_weavers max_concurrent=1
make_pod a 'trap "" TERM; echo deaf; while :; do sleep 1; done'
wait_for 30 has_printed a deaf # before, it would end at once
pod=$(cat "$MNT/a/pod")
rmdir "$MNT/a"
assert_errno 'Disk quota exceeded' mkdir "$MNT/b"
entry=$(ls "$MNT/.archive")
rmdir "$MNT/.archive/$entry"
grep -Eq "^weaverfs: force .archive/$entry by uid 0, pid [0-9]+: ok\$" "$W/weaverfs.log" || fail "not in the log"
assert_eq "" "$(ls "$MNT/.archive")"
wait_for 3 pod_gone "$pod"
wait_for 3 mkdir "$MNT/b"
sleep 1
assert_eq "" "$(ls "$MNT/.archive")"
assert_errno 'No such file' rmdir "$MNT/.archive/nothing"
