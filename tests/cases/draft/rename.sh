#!/bin/bash
# mv a b in the root renames a live weaver: same pod, both mounts show it, the hostname stays.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

other_shows()
{
	[ "$(ls "$W/other" | xargs)" = "$1" ]
}

mount_weavers
MNT=$W/other mount_weavers
mkdir "$MNT/a" "$MNT/taken"
id=$(cat "$MNT/a/id")
inode=$(stat -c %i "$MNT/a")
exec 3<"$MNT/a"
echo 1 >"$MNT/a/hold"
mv "$MNT/a" "$MNT/b"
assert_eq "b taken" "$(ls "$MNT" | xargs)"
assert_eq "b taken" "$(pods | xargs)"
assert_eq "$id $inode" "$(cat "$MNT/b/id") $(stat -c %i "$MNT/b")"
assert_eq a "$(k get pod "weaver-$id" -o 'jsonpath={.spec.hostname}')"
wait_for 5 other_shows "b taken"
assert_errno 'No such file' cat "$MNT/a/id"
assert_errno 'No such file' mv "$MNT/a" "$MNT/c"
assert_errno 'File exists' mv -T "$MNT/b" "$MNT/taken"
assert_errno 'Protocol error' mv "$MNT/b" "$MNT/B"
assert_errno 'Operation not permitted' mv "$MNT/b" "$MNT/.b"
assert_errno 'Operation not permitted' mv "$MNT/b" "$MNT/.drafts/b"
assert_errno 'Operation not permitted' mv "$MNT/b/ttl" "$MNT/b/x"
# both exchanged: refused, nothing changed
python3 - "$MNT/b" "$MNT/taken" <<'END' || fail "RENAME_EXCHANGE"
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
r = libc.renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2)
sys.exit(r == 0 or ctypes.get_errno() != errno.EINVAL)
END
mv "$MNT/$id" "$MNT/c" # by its id
assert_eq "c taken" "$(ls "$MNT" | xargs)"
mkdir "$MNT/a" # the old name is free
mv "$MNT/c" "$MNT/b"
mv "$MNT/b" "$MNT/c"
wait_for 5 other_shows "a c taken"
for i in 1 2 3 4 5 6 7 8; do # while its status changes all the time
	mv "$MNT/a" "$MNT/a$i"
	mv "$MNT/a$i" "$MNT/a"
done
exec 3<&-
remount
assert_eq "a c taken" "$(ls "$MNT" | xargs)"
