#!/bin/bash
# 10,000 lines a second over restarts of kubelet, apiserver and weaverfs, and rotation: none doubled, none lost unmarked.
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# cluster: real
# tier: all
. "$LIB/case.sh"

ctl()
{
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" "$@"
}

# rss: resident memory of weaverfs in KiB.
rss()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/${weaverfs_pids[$MNT]}/status"
}

# current: what was printed less than three seconds ago has been read.
current()
{
	local at
	at=$(tail -n 1 "$W/followed" | cut -d ' ' -f 2)
	[ "${at%.*}" -ge $(($(cut -d . -f 1 /proc/uptime) - 3)) ]
}

# restart DAEMON SIGNAL: and the log goes on.
restart()
{
	ctl "$2" "$1"
	ctl start "$1"
	ctl wait "$1"
	wait_for 30 current
}

crash()
{
	kill_weavers
	remount
	wait_for 30 current
}

# under_fire NAME COUNT FAULT...: a load of COUNT lines, each FAULT two words for restart or "crash".
under_fire()
{
	local name=$1 id before after status=0 fault load follower
	id=$(cat /proc/sys/kernel/random/uuid)
	load=$("$LIB/numbered" load "$2" 10000)
	shift 2
	make_pod_json "$name" "$id" "$load" |
		jq '.spec.containers[0].resources.limits.cpu = "2"' | k create -f - >/dev/null
	wait_for 30 status_is "$name" running
	"$LIB/numbered" follow "$MNT/$name/logs" "$W/followed" &
	follower=$!
	wait_for 30 current
	before=$(rss)
	for fault; do
		if [ "$fault" = crash ]; then
			crash
			before=$(rss)
		else
			restart $fault
		fi
	done
	status_is "$name" running || fail "$name: the load has ended before the faults"
	after=$(rss)
	wait_for 200 status_is "$name" succeeded
	cat "$MNT/$name/logs" >"$W/all"
	wait "$follower" || status=$?
	assert_eq 0 "$status" "exit status of the reader"
	cmp "$W/all" "$W/followed" >&2 || fail "$name: what was followed is not what cat gives"
	"$LIB/numbered" check "$W/all" >"$W/verdict" || fail "$name: $(cat "$W/verdict")"
	echo "$name: $(cat "$W/verdict")" >>"$O/log-gaps.$TEST_CLUSTER"
	[ "$after" -lt $((before + 8192)) ] || fail "$name: from $before to $after KiB of memory"
	rmdir "$MNT/$name"
}

rm -f "$O/log-gaps.$TEST_CLUSTER"
mount_weavers
# An API server that ends in good order takes its minute, in which it serves no new request.
under_fire default-size 1600000 'apiserver term' 'kubelet term' 'apiserver kill' crash \
	'kubelet kill' 'apiserver kill' 'kubelet kill'
# Two files of 1 MiB, rotated each ten seconds.
export KUBELET_FLAGS=--container-log-max-size=1Mi
at_end 'KUBELET_FLAGS= ctl restart kubelet'
ctl restart kubelet
ctl wait kubelet
under_fire small-files 1000000 'kubelet kill' 'apiserver kill' crash 'kubelet kill' 'apiserver kill' \
	'kubelet term' 'apiserver kill'
