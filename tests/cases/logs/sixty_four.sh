#!/bin/bash
# 64 weavers' logs, opened at once for the first time: each open takes 2 s at most, each log is whole in the end.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# tier: all
. "$LIB/case.sh"

n=64
[[ $WEAVERFS != */tsan/* ]] || n=16 # which takes ten times as long for each of their TLS handshakes

all_run()
{
	[ "$(cat "$MNT"/*/status | grep -c running)" = $n ]
}

# read_all FILE: that of every weaver at once, into $W/FILE-NAME; prints the longest open in ms.
read_all()
{
	local name readers=()
	for name in $(seq -f 'w%g' $n); do
		{
			start=${EPOCHREALTIME/./}
			exec 3<"$MNT/$name/$1"
			echo $(((${EPOCHREALTIME/./} - start) / 1000)) >"$W/took-$name"
			cat <&3 >"$W/$1-$name"
		} &
		readers+=($!)
	done
	wait "${readers[@]}" || return
	cat "$W"/took-* | sort -n | tail -n 1
}

whole()
{
	local log
	read_all logs >/dev/null
	for log in "$W"/logs-*; do
		cmp "$W/expected" "$log" || return
	done
}

seq -f 'line %g' 2000 >"$W/expected"
for i in $(seq $n); do
	make_pod_json "w$i" "w$i-id" 'for i in $(seq 2000); do echo "line $i"; done; sleep 1000' |
		jq -c '.spec.containers[0].resources.limits = {cpu: "1", memory: "32Mi"}'
done | k create -f - >/dev/null
mount_weavers
wait_for 150 all_run
# What so many processes on this machine take to open what needs no waiting is none of its doing.
machine=$(read_all id)
longest=$(read_all logs)
[ "$longest" -lt $((2200 + machine)) ] || fail "an open took $longest ms, one of id $machine ms"
wait_for 20 whole
