#!/bin/bash
# On a node in another time zone, log stamps carry its offset; reading goes on over a restart all the same.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# tier: all
. "$LIB/case.sh"

ctl()
{
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" "$@"
}

reached()
{
	[ "$(tail -n 1 "$W/followed" | cut -d ' ' -f 1)" -ge "$1" ]
}

back()
{
	CONTAINERD_TZ='' ctl restart containerd
	ctl wait containerd
}

at_end back
mount_weavers
load=$("$LIB/numbered" load 6000 500)
for zone in America/St_Johns Asia/Kathmandu; do
	name=in-${zone##*_}
	name=${name//[^a-z-]/}
	CONTAINERD_TZ=$zone ctl restart containerd
	ctl wait containerd
	: >"$W/followed"
	make_pod "$name" "$load"
	wait_for 30 status_is "$name" running
	"$LIB/numbered" follow "$MNT/$name/logs" "$W/followed" &
	follower=$!
	wait_for 20 reached 500
	k logs --timestamps --tail=1 "$(cat "$MNT/$name/pod")" | grep -qE '^[^ ]*[+-][0-9]{2}:[1-9]' ||
		fail "$zone: the stamps are not in that zone"
	ctl restart kubelet
	ctl wait kubelet
	kill_weavers
	remount
	wait_for 40 status_is "$name" succeeded
	wait "$follower"
	"$LIB/numbered" check "$W/followed" >"$W/verdict" || fail "$zone: $(cat "$W/verdict")"
	assert_eq "6000 lines, 0 gaps, 0 missing, 0.0 s, 0 needless" "$(cat "$W/verdict")" "$zone"
done
