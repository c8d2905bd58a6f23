#!/bin/bash
# Who watches sees each change by kubectl, a second mount and the reaper, once and in order.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/watch.sh"

# moved DIRECTORY BEFORE: its time is another one than BEFORE.
moved()
{
	[ "$(stat -c %.9Y "$1")" != "$2" ]
}

mount_weavers cleanup_interval_secs=3600
MNT=$W/other mount_weavers cleanup_interval_secs=3600
watch "$W/root" "$MNT"
: >"$W/expected"
for i in $(shuf -i 1-6); do
	pending_pod "kubectl-$i" | k create -f - >/dev/null
	echo "CREATE,ISDIR $MNT/kubectl-$i" >>"$W/expected"
	mkdir "$W/other/mount-$i"
	echo "CREATE,ISDIR $MNT/mount-$i" >>"$W/expected"
done
wait_for 5 test -d "$MNT/mount-1"
for i in $(shuf -i 1-6); do
	rmdir "$W/other/mount-$i"
	echo "DELETE,ISDIR $MNT/mount-$i" >>"$W/expected"
	k delete pod --wait=false "$(pod_of "kubectl-$i")" >/dev/null
	echo "DELETE,ISDIR $MNT/kubectl-$i" >>"$W/expected"
done
same_events "$W/expected" "$W/root"

# The root's time moves when somebody comes or goes, the archive's and the drafts' too.
was=$(stat -c %.9Y "$MNT")
mkdir "$W/other/mover"
wait_for 5 moved "$MNT" "$was"
wait_for 5 test -d "$MNT/mover"
was=$(stat -c %.9Y "$MNT")
archive=$(stat -c %.9Y "$MNT/.archive")
rmdir "$W/other/mover"
wait_for 5 moved "$MNT" "$was"
wait_for 5 moved "$MNT/.archive" "$archive"
was=$(stat -c %.9Y "$MNT/.drafts")
mkdir "$MNT/.drafts/d"
moved "$MNT/.drafts" "$was" || fail ".drafts: the time stands still"
was=$(stat -c %.9Y "$MNT/.drafts")
rmdir "$MNT/.drafts/d"
moved "$MNT/.drafts" "$was" || fail ".drafts: the time stands still"
{
	echo "CREATE,ISDIR $MNT/mover"
	echo "DELETE,ISDIR $MNT/mover"
} >>"$W/expected"
same_events "$W/expected" "$W/root"

# By its id it is gone within a second: no helper takes that name out of the kernel.
pending_pod by-id | k create -f - >/dev/null
wait_for 5 test -d "$MNT/by-id"
id=$(cat "$MNT/by-id/id")
test -d "$MNT/$id"
k delete pod --wait=false "$(pod_of by-id)" >/dev/null
wait_for 2 test ! -e "$MNT/$id"
{
	echo "CREATE,ISDIR $MNT/by-id"
	echo "DELETE,ISDIR $MNT/by-id"
} >>"$W/expected"
same_events "$W/expected" "$W/root"

# A name that comes and goes and comes, faster than anybody can look.
for i in 1 2 3; do
	pending_pod again >"$W/pod"
	k create -f "$W/pod" >/dev/null
	k delete --wait=false -f "$W/pod" >/dev/null
	echo "CREATE,ISDIR $MNT/again" >>"$W/expected"
	echo "DELETE,ISDIR $MNT/again" >>"$W/expected"
done
same_events "$W/expected" "$W/root"

# The reaper's deletions are nobody's own.
mkdir "$MNT/short"
echo 2 >"$MNT/short/ttl"
echo "CREATE,ISDIR $MNT/short" >>"$W/expected"
echo "DELETE,ISDIR $MNT/short" >>"$W/expected"
same_events "$W/expected" "$W/root"

# What this mount does itself the kernel shows, once.
mkdir "$MNT/own"
mv "$MNT/own" "$MNT/moved"
rmdir "$MNT/moved"
{
	echo "CREATE,ISDIR $MNT/own"
	echo "MOVED_FROM,ISDIR $MNT/own"
	echo "MOVED_TO,ISDIR $MNT/moved"
	echo "DELETE,ISDIR $MNT/moved"
	echo "CREATE,ISDIR $MNT/last"
} >>"$W/expected"
pending_pod last | k create -f - >/dev/null
same_events "$W/expected" "$W/root"
watch_end
