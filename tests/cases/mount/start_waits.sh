#!/bin/bash
# An API server that comes up within start_timeout is waited for; SIGTERM ends the wait; a second mount works.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

said()
{
	grep -q "$1" "$W/weaverfs.log"
}

start()
{
	"$WEAVERFS" -f -o "namespace=$NS,image=$TEST_IMAGE,state_dir=$W/state,start_timeout=$1" "$MNT" \
		>>"$W/weaverfs.log" 2>&1 &
	weaverfs_pids[$MNT]=$!
}

mkdir "$MNT"
cluster_freeze
start 60
wait_for 15 said 'waiting for the API server'
expect_fail mountpoint -q "$MNT"
cluster_thaw
wait_for 60 weavers_mounted
mkdir "$MNT/a"

# Another weaverfs on the same mount point lies above it, and goes without harm.
below=$MNT
pid=${weaverfs_pids[$MNT]}
unset "weaverfs_pids[$MNT]"
start 30
above()
{
	[ "$(findmnt -n -o TARGET "$below" | wc -l)" = 2 ] && weavers_mounted
}
wait_for 30 above
assert_eq a "$(ls "$MNT")"
umount_weavers
weaverfs_pids[$below]=$pid
assert_eq a "$(ls "$below")"

# umount -l with an open file: its reader goes on, the daemon ends well when it is closed.
for _ in 1 2 3 4 5; do
	exec 3<"$MNT/a/status"
	umount -l "$MNT"
	assert_match 'pending|running' "$(cat <&3)"
	exec 3<&-
	weavers_ended
	start 30
	wait_for 30 weavers_mounted
done
umount_weavers

# A signal while the server is away: at once, and nothing is mounted.
cluster_freeze
start 60
pid=${weaverfs_pids[$MNT]}
unset "weaverfs_pids[$MNT]"
caught()
{
	[ "$(readlink "/proc/$pid/exe")" = "$WEAVERFS" ] && grep -q '^SigCgt:.*[4567cdef]...$' "/proc/$pid/status"
}
wait_for 10 caught
start=$SECONDS
kill -TERM "$pid"
wait_for 5 process_ended "$pid"
expect_fail mountpoint -q "$MNT"
status=0
wait "$pid" || status=$?
assert_eq 1 "$status"
cluster_thaw
