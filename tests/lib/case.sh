# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What a case has at hand. A case is a bash script tests/cases/AREA/BEHAVIOUR.sh that begins
#
#	#!/bin/bash
#	# One sentence that says what it proves.
#	# SPDX-License-Identifier: Apache-2.0
#	. "$LIB/case.sh"
#
# and is silent when that is so. More headers, each a comment line before the first command:
# "timeout: SECONDS" (120), "cluster: sim" or "cluster: real" (both), "tier: all" (not by default).
# It is given W, a directory of its own with HOME and TMPDIR in it, a mount namespace of its own, a cluster with
# the namespace NS, and O with the programs. It picks nothing about the cluster. What it starts it must end; only the
# mounts of mount_weavers are ended here; what else must be undone at_end is told.

set -Eeuo pipefail
trap 'case_error $? "$LINENO" "$BASH_COMMAND"' ERR
: "${W:?start cases with tests/run}"
MNT=$W/mnt
declare -A weaverfs_pids=() weaverfs_options=()
at_its_end=()

# at_end COMMAND: a line of shell that is run when the case ends, however it ends; the last given is the first.
at_end()
{
	at_its_end=("$1" "${at_its_end[@]}")
}

# fail MESSAGE: ends the case.
fail()
{
	trap - ERR
	echo "${BASH_SOURCE[-2]##*/}:${BASH_LINENO[-3]}: $*" >&2
	case_end 1
}

# skip REASON: this machine or cluster cannot show it.
skip()
{
	echo "$*"
	case_end 77
}

# wait_for SECONDS COMMAND...: until it succeeds. There is no sleep that hopes. Time in which the machine
# stood still does not count: it has also been tried a few times for each second. (SECONDS would cut up to one.)
wait_for()
{
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000)) tries=$(($1 * 4))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || [ "$tries" -gt 0 ] ||
			fail "did not become true in time: $*"
		tries=$((tries - 1))
		sleep 0.05
	done
}

# assert_eq EXPECTED ACTUAL [WHAT]
assert_eq()
{
	[ "$1" = "$2" ] || fail "${3+$3: }expected '$1', got '$2'"
}

# assert_match EXTENDED-REGEX ACTUAL [WHAT]
assert_match()
{
	[[ $2 =~ $1 ]] || fail "${3+$3: }expected a match of '$1', got '$2'"
}

# expect_fail COMMAND...: it must not succeed; what it prints is dropped.
expect_fail()
{
	! "$@" >/dev/null 2>&1 || fail "succeeded, and must not: $*"
}

# assert_errno MESSAGE COMMAND...: it must fail and say so, as in: 'Disk quota exceeded' mkdir a
assert_errno()
{
	local message=$1 said
	shift
	! said=$(LC_ALL=C "$@" 2>&1 >/dev/null) || fail "succeeded, and must not: $*"
	[[ $said == *"$message"* ]] || fail "$*: expected '$message', got '$said'"
}

# The cluster, as its administrator, in the case's namespace.
k()
{
	"$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" --namespace "$NS" "$@"
}

# cluster_freeze, cluster_thaw: the API server accepts connections and answers nothing.
cluster_freeze()
{
	cluster_signal stop
}

cluster_thaw()
{
	cluster_signal cont
}

cluster_signal()
{
	case $TEST_CLUSTER in
	sim) kill "-${1^^}" "$(cat "$W/kubesim.pid")" ;;
	real) "$LIB/../cluster/ctl" --state "$CLUSTER_STATE" "$1" apiserver ;;
	*) skip "the API server of $TEST_CLUSTER is not ours to stop" ;;
	esac
}

# kubesim_faults JSON: the rules it misbehaves by from now on; only in cases for the cluster "sim".
kubesim_faults()
{
	k replace --raw /_kubesim/faults -f - <<<"$1" >/dev/null
}

# mount_weavers [OPTIONS]: starts weaverfs on $MNT, returns when it answers. A second mount is
# "MNT=$W/other mount_weavers", and so on for the functions below.
mount_weavers()
{
	local options="namespace=$NS,image=$TEST_IMAGE,state_dir=$W/state"
	weaverfs_options[$MNT]=${1-}
	mkdir -p "$MNT" 2>/dev/null || true
	"$WEAVERFS" -f -o "$options${1:+,$1}" "$MNT" >>"$W/weaverfs.log" 2>&1 &
	weaverfs_pids[$MNT]=$!
	wait_for 30 weavers_mounted_or_ended
	process_runs "${weaverfs_pids[$MNT]}" || { weavers_ended && fail "weaverfs has ended at its start"; }
}

weavers_mounted()
{
	head -n 1 "$MNT/.weaverfs/health" >/dev/null 2>&1
}

weavers_mounted_or_ended()
{
	weavers_mounted || ! process_runs "${weaverfs_pids[$MNT]}"
}

# Of a child that has ended, the entry in /proc stays until we wait for it.
process_runs()
{
	! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null && [ -e "/proc/$1" ]
}

process_ended()
{
	! process_runs "$1"
}

# umount_weavers: a plain umount, as an administrator does it; the daemon must end, with status 0.
umount_weavers()
{
	umount "$MNT"
	weavers_ended
}

weavers_ended()
{
	local pid=${weaverfs_pids[$MNT]} status=0
	wait_for 20 process_ended "$pid"
	unset "weaverfs_pids[$MNT]"
	wait "$pid" || status=$?
	assert_eq 0 "$status" "exit status of weaverfs on $MNT"
}

# end_by_force PID...: children; without the shell's own words on them, which it may say before `wait` is reached.
end_by_force()
{
	{
		kill -KILL "$@"
		wait "$@"
	} 2>/dev/null || true
}

# kill_weavers: the crash. The mount stays behind, without a daemon, until the next one.
kill_weavers()
{
	local pid=${weaverfs_pids[$MNT]}
	process_runs "$pid" || fail "weaverfs on $MNT had ended by itself"
	unset "weaverfs_pids[$MNT]"
	end_by_force "$pid"
}

# remount: with the options it was mounted with last.
remount()
{
	[ -z "${weaverfs_pids[$MNT]-}" ] || umount_weavers
	mount_weavers "${weaverfs_options[$MNT]}"
}

# status_is NAME WORD, for wait_for.
status_is()
{
	[ "$(cat "$MNT/$1/status")" = "$2" ]
}

# has_printed NAME LINE, for wait_for: its traps are set then. Asked of the cluster, so that no mount follows the log.
has_printed()
{
	k logs "$(cat "$MNT/$1/pod")" | grep -x "$2"
}

# What "set -e" is about to end, in a subshell or in the case itself.
case_error()
{
	echo "${BASH_SOURCE[1]##*/}:$2: status $1: $3" >&2
	case_end "$1"
}

# case_end STATUS: ends what is still mounted, by SIGTERM, which works also while files are open. A
# daemon that does not end then, or not with 0, fails the case. There is no trap on EXIT because bash
# 5.2 runs it in a child, too, that is signalled before it has become its command.
case_end()
{
	local MNT command
	[ "$BASHPID" = $$ ] || exit "$1"
	case_status=$1
	trap - ERR
	set +e
	for command in "${at_its_end[@]}"; do
		eval "$command" || case_status=1
	done
	for MNT in "${!weaverfs_pids[@]}"; do
		kill -TERM "${weaverfs_pids[$MNT]}" || case_status=1
		weavers_end || case_status=1
	done
	exit "$case_status"
}

weavers_end()
{
	local pid=${weaverfs_pids[$MNT]} deadline=$((SECONDS + 20))
	while process_runs "$pid"; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "weaverfs did not end within 20 s of SIGTERM" >&2
			kill -KILL "$pid"
		fi
		sleep 0.05
	done
	wait "$pid" || { echo "weaverfs on $MNT: exit status $? at the end" >&2; return 1; }
}

# make_pod NAME SHELL-COMMAND: a weaver that runs something else than the image's own command,
# made by the administrator as another mount's owner would.
make_pod()
{
	local id
	id=$(cat /proc/sys/kernel/random/uuid)
	make_pod_json "$1" "$id" "$2" | k create -f - >/dev/null
	wait_for 5 test -d "$MNT/$1"
}

# make_pod_json NAME ID SHELL-COMMAND [MORE-POD-SPEC-JSON]: a Pod as mkdir makes it, more or less.
make_pod_json()
{
	jq -n --arg name "$1" --arg id "$2" --arg command "$3" --arg image "$TEST_IMAGE" \
		--argjson more "${4:-{\}}" '{
		apiVersion: "v1", kind: "Pod",
		metadata: {name: "weaver-\($id)", labels: {"loom.dev/managed": "true",
			"loom.dev/weaver-id": $id, "loom.dev/name": $name}},
		spec: ({restartPolicy: "Never", automountServiceAccountToken: false,
			enableServiceLinks: false, terminationGracePeriodSeconds: 5,
			containers: [{name: "weaver", image: $image, args: ["sh", "-c", $command],
				resources: {limits: {cpu: "100m", memory: "64Mi"},
					requests: {cpu: "10m", memory: "16Mi"}},
				securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000,
					allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]},
					seccompProfile: {type: "RuntimeDefault"}}}]} + $more)}'
}

# as UID[:GID] COMMAND...: as another user, without capabilities.
as()
{
	local user=$1
	shift
	setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups -- "$@"
}

# pods: the names of the directories that kubectl's pods stand for, one a line, sorted.
pods()
{
	k get pods -l loom.dev/managed=true -o json |
		jq -r '.items[] | select(.metadata.deletionTimestamp == null)
			| .metadata.labels["loom.dev/name"]' | sort
}
