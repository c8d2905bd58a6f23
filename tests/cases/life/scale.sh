#!/bin/bash
# 1,000 weavers on a real API server: memory, start beside curl of the same list, `ls -l` beside kubectl, idle.
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# cluster: real
# tier: all
. "$LIB/case.sh"

# SCALE weavers; what was measured is in $O/scale.real.
n=${SCALE:-1000}

# Bound to a node that is not there: they cost the API server what any pod does, and no kubelet anything.
node=away-$NS
pods()
{
	make_pod_json NAME NAME 'sleep 1000' "{\"nodeName\": \"$node\"}" >"$W/pod.json"
	jq -c --argjson n "$n" '. as $pod | {apiVersion: "v1", kind: "List", items: [range($n) as $i |
		$pod | .metadata.name = "weaver-scale-\($i)"
		| .metadata.labels += {"loom.dev/weaver-id": "scale-\($i)", "loom.dev/name": "scale-\($i)"}]}' "$W/pod.json"
}

# ms COMMAND...: the median of five, of a fresh process each.
ms()
{
	local i start
	for i in 1 2 3 4 5; do
		start=${EPOCHREALTIME/./}
		"$@" >/dev/null
		echo $(((${EPOCHREALTIME/./} - start) / 1000))
	done | sort -n | sed -n 3p
}

mount_all()
{
	mount_weavers "max_concurrent=$((n + 1))"
	[ "$(ls "$MNT" | wc -l)" = "$n" ] || fail "of $n weavers $(ls "$MNT" | wc -l) are there at the start"
}

# start_ms: from exec to a tree that has them all, the median of five.
start_ms()
{
	local i start
	for i in 1 2 3 4 5; do
		start=${EPOCHREALTIME/./}
		mount_all
		echo $(((${EPOCHREALTIME/./} - start) / 1000))
		umount_weavers
	done | sort -n | sed -n 3p
}

# the_list: what weaverfs asks for at its start.
the_list()
{
	curl -sS --fail --cacert "$W/ca" --cert "$W/cert" --key "$W/key" -o /dev/null \
		"$server/api/v1/namespaces/$NS/pods?labelSelector=loom.dev/managed=true"
}

processor_ms()
{
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/${weaverfs_pids[$MNT]}/stat"
}

config=$(k config view --raw --minify --flatten -o json)
server=$(jq -r '.clusters[0].cluster.server' <<<"$config")
jq -r '.clusters[0].cluster["certificate-authority-data"]' <<<"$config" | base64 -d >"$W/ca"
jq -r '.users[0].user["client-certificate-data"]' <<<"$config" | base64 -d >"$W/cert"
jq -r '.users[0].user["client-key-data"]' <<<"$config" | base64 -d >"$W/key"
end()
{
	k delete node "$node" --ignore-not-found >/dev/null 2>&1
	k delete pods --all --force --grace-period=0 >/dev/null 2>&1
}
at_end end
k delete resourcequota --all >/dev/null
jq -n --arg name "$node" '{apiVersion: "v1", kind: "Node", metadata: {name: $name}}' | k create -f - >/dev/null
pods | k create -f - >/dev/null

curl=$(ms the_list)
begin=$(start_ms)
mount_all
memory=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${weaverfs_pids[$MNT]}/status")
ours=$(ms ls -l "$MNT")
theirs=$(ms k get pods)
before=$(processor_ms)
sleep 30 # what an idle minute costs, half of it
idle=$(($(processor_ms) - before))
echo "$n weavers: $((memory / 1024)) MiB, start $begin ms, curl $curl ms, ls -l $ours ms, kubectl get pods $theirs ms," \
	"$idle ms of processor in 30 s" >"$O/scale.real"
assert_eq "$n" "$(k get pods --no-headers | wc -l)" "pods"
[[ $WEAVERFS != */release/* ]] || [ "$memory" -lt $((16384 + 3 * n)) ] || fail "memory: $memory KiB"
[ $((ours * 5)) -lt "$theirs" ] || fail "$(cat "$O/scale.real")"
[ $idle -lt 500 ] || fail "$(cat "$O/scale.real")"
