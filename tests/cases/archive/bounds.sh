#!/bin/bash
# The archive keeps archive_max_bytes and archive_hours, and what it lets go is the oldest.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

names()
{
	ls "$MNT/.archive" | sed 's/~.*//' | xargs
}

kept()
{
	[ "$(names)" = "$*" ]
}

archived()
{
	[ "$(cat "$MNT/.archive/$1~"*/status)" = succeeded ]
}

fetched()
{
	[ "$(wc -c <"$MNT/$1/logs")" = 299999 ]
}

# 300,000 bytes of log each: three fit. (containerd 1.6 drops what is still in the pipe when the
# container ends: on a busy machine a third of such logs is cut, kubectl logs shows the same.)
end_one()
{
	make_pod "$1" "seq 100001 142857; sleep 1"
	wait_for 30 status_is "$1" succeeded
	# On a busy machine the pod can be gone before its log is fetched; archive/ended is about that.
	wait_for 20 fetched "$1"
	rmdir "$MNT/$1"
}

mount_weavers archive_max_bytes=1200000
for w in a b c; do
	end_one $w
	wait_for 20 archived $w
	assert_eq 299999 "$(stat -c %s "$MNT/.archive/$w~"*/logs)" "log of $w"
done
assert_eq "a b c" "$(names)"
end_one d
wait_for 20 kept b c d
assert_eq 299999 "$(stat -c %s "$MNT"/.archive/d~*/logs)"
umount_weavers
mount_weavers archive_max_bytes=800000
assert_eq "c d" "$(names)"
umount_weavers

# c was over three days ago.
state=$(grep -l '^name=c~' "$W"/state/*/*/archive/*/.state)
sed -i "s/^over=.*/over=$(($(date +%s) - 72 * 3600 - 1))/" "$state"
mount_weavers
assert_eq d "$(names)"
umount_weavers
mount_weavers archive_hours=0
assert_eq "" "$(names)"
assert_eq "" "$(find "$W"/state/*/*/archive -type f)" "files left"
