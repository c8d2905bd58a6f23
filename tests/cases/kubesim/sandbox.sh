#!/bin/bash
# A pod sees its own processes, name and files, and neither kubesim's state nor anybody's home; a
# kubesim that is killed takes its pods with it.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

state=$W/second
"$O/kubesim" --state "$state" >second.log 2>&1 &
pid=$!
disown "$pid" # bash tells of the death of its jobs
wait_for 20 test -s "$state/kubeconfig"
s()
{
	"$KUBECTL" --kubeconfig "$state/kubeconfig" "$@"
}

look='id -u; hostname; ls /proc | grep -c "^[0-9]*$"; ls "$STATE" /root /home 2>/dev/null | wc -l
	touch /workspace/a /tmp/b && echo writes; touch /usr/x 2>/dev/null || echo read-only
	sed "s/^0:://p;d" /proc/self/cgroup; echo end; exec sleep 600'
make_pod_json look look "$look" '{"hostname": "inside"}' | jq --arg state "$state" '
	.metadata.name = "look" | .spec.containers[0].env = [{name: "STATE", value: $state}]' |
	s create -f - >/dev/null
looked()
{
	s logs look | grep -q '^end'
}
seen()
{
	s logs look | sed -n "$1p"
}
wait_for 20 looked
assert_eq 1000 "$(seen 1)" uid
assert_eq inside "$(seen 2)"
[ "$(seen 3)" -le 5 ] || fail "sees $(seen 3) processes"
assert_eq 0 "$(seen 4)" "files of others"
assert_eq writes "$(seen 5)"
assert_eq read-only "$(seen 6)"
uid=$(s get pod look -o 'jsonpath={.metadata.uid}')
[ ! -w /sys/fs/cgroup ] || assert_match "/pod$uid/[0-9a-f]{64}|^end" "$(seen 7)"

mapfile -t children < <(pgrep -P "$pid")
[ ${#children[@]} -gt 0 ] || fail "no process runs the pod"
kill -KILL "$pid"
for child in "${children[@]}"; do
	wait_for 10 process_ended "$child"
done
