#!/bin/bash
# Of a log of 100 MiB the last 64 MiB at most are kept, the rest is one gap line; memory does not grow.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# cluster: real
# tier: all
. "$LIB/case.sh"

ctl()
{
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" "$@"
}

rss()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/${weaverfs_pids[$MNT]}/status"
}

reached()
{
	[ "$(tail -n 1 "$MNT/a/logs" | cut -d ' ' -f 1)" -ge "$1" ]
}

at_end 'KUBELET_FLAGS= ctl restart kubelet; ctl wait kubelet'
KUBELET_FLAGS=--container-log-max-size=400Mi ctl restart kubelet # nothing is lost by rotation
ctl wait kubelet
mount_weavers
# 1,000,000 lines of 105 bytes at 20,000 a second.
make_pod_json a a-id "$("$LIB/numbered" load 1000000 20000 | sed 's/++n, a\[1\]/sprintf("%d %096d", ++n, 0)/')" |
	jq '.spec.containers[0].resources.limits.cpu = "2"' | k create -f - >/dev/null
wait_for 30 status_is a running
exec 3<"$MNT/a/logs" # keeps the stream open
wait_for 30 reached 50000
before=$(rss)
wait_for 200 status_is a succeeded
cat "$MNT/a/logs" >"$W/all"
exec 3<&-
after=$(rss)
[[ $WEAVERFS != */release/* ]] || [ "$after" -lt $((before + 8192)) ] || fail "from $before to $after KiB of memory"
kept=$(du -k "$W/state" | tail -n 1 | cut -f 1)
[ "$kept" -le $((65 * 1024)) ] || fail "$kept KiB are kept"
assert_match '^\[weaverfs: gap byte 0 \.\. byte [0-9]+\]$' "$(head -n 1 "$W/all")"
assert_eq end "$(tail -n 1 "$W/all")"
awk 'NR > 2 && $1 != "end" && $1 != last + 1 { print "after " last " comes " $0; exit 1 } { last = $1 }' "$W/all" >&2
[ "$(wc -c <"$W/all")" -gt $((40 << 20)) ] || fail "only $(wc -c <"$W/all") bytes are left"
