# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For the cases of tests/cases/reason, after case.sh: what a weaver's files say, beside what kubectl
# says of the same pod.

# pod_of NAME COMMAND [JQ-FILTER]: make_pod with the pod changed by a jq program.
pod_of()
{
	local id
	id=$(cat /proc/sys/kernel/random/uuid)
	make_pod_json "$1" "$id" "$2" | jq "${3:-.}" | k create -f - >/dev/null
	wait_for 5 test -d "$MNT/$1"
}

# kubectl_status NAME: kubectl's STATUS column.
kubectl_status()
{
	k get pods -l "loom.dev/name=$1" --no-headers | awk '{print $3}'
}

kubectl_says()
{
	[[ $(kubectl_status "$1") =~ ^($2)$ ]]
}

reason_matches()
{
	[[ $(head -n 1 "$MNT/$1/reason") =~ $2 ]]
}

hint_matches()
{
	grep '^hint: ' "$MNT/$1/reason" | grep -qE -- "$2"
}

# told NAME KUBECTL-STATUS STATUS EXIT-CODE FIRST-LINE [HINT...]: waits for kubectl's word, then for
# the first line of `reason` and for each hint, all of them extended regular expressions. What comes
# later than the pod's state itself (events, last lines) may take its time. What was told is kept in
# $O/reasons, a file for each.
told()
{
	local name=$1 hint
	wait_for 90 kubectl_says "$name" "$2"
	wait_for 20 reason_matches "$name" "$5"
	for hint in "${@:6}"; do
		wait_for 20 hint_matches "$name" "$hint"
	done
	assert_eq "$3" "$(cat "$MNT/$name/status")" "status of $name"
	assert_match "^($4)$" "$(cat "$MNT/$name/exit_code")" "exit_code of $name"
	mkdir -p "$O/reasons"
	{
		echo "$name: kubectl $(kubectl_status "$name"), status $3, exit_code $(cat "$MNT/$name/exit_code")"
		cat "$MNT/$name/reason"
	} >"$O/reasons/$TEST_CLUSTER-$name"
}

# well NAME KUBECTL-STATUS STATUS EXIT-CODE: there is no reason to give.
well()
{
	wait_for 90 kubectl_says "$1" "$2"
	wait_for 20 status_is "$1" "$3"
	assert_eq "$4" "$(cat "$MNT/$1/exit_code")" "exit_code of $1"
	assert_eq "" "$(cat "$MNT/$1/reason")" "reason of $1"
}
