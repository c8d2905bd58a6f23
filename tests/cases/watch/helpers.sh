#!/bin/bash
# Helpers that stop, die or come too late delay events and lose none; they hold nothing and end.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/watch.sh"

two_helpers()
{
	[ "$(helpers "${weaverfs_pids[$MNT]}" | wc -l)" = 2 ]
}

come()
{
	pending_pod "$1" | k create -f - >/dev/null
	echo "CREATE,ISDIR $MNT/$1" >>"$W/expected"
}

go()
{
	k delete pod --wait=false "$(pod_of "$1")" >/dev/null
	echo "DELETE,ISDIR $MNT/$1" >>"$W/expected"
}

# signal_helpers SIGNAL: to both.
signal_helpers()
{
	helpers "${weaverfs_pids[$MNT]}" | xargs kill "-$1"
}

mount_weavers
wait_for 5 two_helpers
for pid in $(helpers "${weaverfs_pids[$MNT]}"); do
	wait_for 5 test -e "/proc/$pid/fd/4" # it has begun
	assert_eq "0 1 2 3 4" "$(ls "/proc/$pid/fd" | xargs)" "descriptors of a helper"
	assert_match '^socket:' "$(readlink "/proc/$pid/fd/0")"
	assert_match '/mountinfo$' "$(readlink "/proc/$pid/fd/3")"
	assert_eq / "$(readlink "/proc/$pid/fd/4")" # a mount that is nowhere in the tree
	assert_eq / "$(readlink "/proc/$pid/cwd")"
done
watch "$W/root" "$MNT"
: >"$W/expected"
come early
same_events "$W/expected" "$W/root"

# Stopped, and continued in time: everybody sees the change at once, who watches a little later.
signal_helpers STOP
come a
go early
wait_for 5 test -d "$MNT/a"
[ ! -e "$MNT/early" ] || fail "early is still there"
ls -l "$MNT" >/dev/null
[ "$(wc -l <"$W/root")" = 1 ] || fail "an event without a helper: $(cat "$W/root")"
signal_helpers CONT
same_events "$W/expected" "$W/root"

# Stopped for longer than anybody waits: others take their place.
before=$(helpers "${weaverfs_pids[$MNT]}")
signal_helpers STOP
come b
go a
k annotate pod "$(pod_of b)" loom.dev/hold=1 >/dev/null
same_events "$W/expected" "$W/root"
wait_for 5 two_helpers
[ "$(helpers "${weaverfs_pids[$MNT]}")" != "$before" ] || fail "the stopped helpers were not replaced"

# Killed again and again while things happen.
for i in {1..8}; do
	signal_helpers KILL || true
	come "k-$i"
	[ "$i" -lt 4 ] || go "k-$((i - 3))"
done
same_events "$W/expected" "$W/root"
assert_eq 0 "$(missed)"
watch_end

# They do not outlive the mount, nor keep it busy.
wait_for 15 two_helpers
pids=$(helpers "${weaverfs_pids[$MNT]}")
umount_weavers
gone()
{
	local pid
	for pid in $1; do
		process_ended "$pid" || return 1
	done
}
wait_for 2 gone "$pids"
mount_weavers
wait_for 5 two_helpers
pids=$(helpers "${weaverfs_pids[$MNT]}")
kill_weavers
wait_for 2 gone "$pids"
remount
