#!/bin/bash
# The shipped Role is enough for all that a mount does, and has no verb that a mount does not use: the API server's audit log tells.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# timeout: 300
. "$LIB/case.sh"

cat >audit-policy.yaml <<END
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["system:serviceaccount:$NS:weaverfs"]
- level: None
END
# Without watch lists (older servers, or an older etcd) there are lists, too.
APISERVER_FLAGS="--feature-gates=WatchList=false --audit-policy-file=$W/audit-policy.yaml --audit-log-path=$W/audit.log" \
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" restart apiserver
restore()
{
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" restart apiserver || echo "the API server still writes an audit log"
}
at_end restore
"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" wait apiserver

mount_weavers
mkdir "$MNT/.drafts/a"
echo K=secret >"$MNT/.drafts/a/secrets"
printf 'sh\n-c\necho hello; sleep 1000\n' >"$MNT/.drafts/a/args"
mv "$MNT/.drafts/a" "$MNT/a"
wait_for 60 status_is a running
wait_for 30 grep -q hello "$MNT/a/logs"
grep -q '"Pod"' "$MNT/a/pod.json"
cat "$MNT/a/usage" >/dev/null 2>&1 || true # there is no metrics server
df "$MNT" >/dev/null
wait_for 30 grep -q Started "$MNT/a/events"
echo +1h >"$MNT/a/ttl"
later=()
if [ -e "$MNT/a/exec" ]; then
	exec 3<>"$MNT/a/exec"
	echo 'echo from exec' >&3
	assert_eq 'from exec' "$(timeout 30 cat <&3)"
	exec 3>&-
	echo words >"$MNT/a/stdin"
else
	later+=('get pods/exec' 'get pods/attach')
fi
if [ -e "$MNT/a/ports" ]; then
	curl -s --max-time 10 --unix-socket "$MNT/a/ports/1" http://weaver/ >/dev/null || true # nobody listens there
else
	later+=('get pods/portforward')
fi
rmdir "$MNT/a"
umount_weavers

# "VERB RESOURCE" a line: what was asked for, and what the Role allows.
jq -r '.verb + " " + ([.objectRef.apiGroup, .objectRef.resource] | map(select(. != null)) | join("/"))
	+ (if .objectRef.subresource then "/" + .objectRef.subresource else "" end)' audit.log | sort -u >used
k get role weaverfs -o json | jq -r '.rules[] | .verbs[] as $v | .apiGroups[] as $g | .resources[] as $r
	| $v + " " + (if $g == "" then $r else $g + "/" + $r end)' | sort -u >allowed
jq -r 'select(.annotations["authorization.k8s.io/decision"] == "forbid") | .verb + " " + .requestURI' audit.log >denied
assert_eq '' "$(cat denied)" "denied"
# Since 1.35 a WebSocket needs "create", too; this server is older.
printf '%s\n' 'create pods/exec' 'create pods/attach' 'create pods/portforward' "${later[@]}" | sort >not_yet
assert_eq '' "$(comm -23 allowed <(sort -u used not_yet))" "allowed, and not used"
assert_eq '' "$(comm -13 allowed used | grep -v ' /\?$' || true)" "used, and not in the Role"
