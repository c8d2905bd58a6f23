# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the cases of the audit's probes have at hand, besides case.sh: a pod's cgroup, with no pod.

# The programs must not load libraries, which is a deed, too: sanitizers do.
audit_needs()
{
	case $O in
	*/release) ;;
	*) skip "audit-load is a static program in the release build alone" ;;
	esac
	[ -e /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
}

# audit_watch OPTIONS... COMMAND...: what audit-watch says of a command that runs in the pod, in a
# network of its own, on standard output, after what the command says itself.
audit_watch()
{
	local mount path status=0 options=()
	while [[ $1 == -* ]]; do
		options+=("$1")
		[ "$1" != -s ] || { options+=("$2"); shift; }
		shift
	done
	mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	path=$mount$(sed -n 's/^0:://p' /proc/self/cgroup)/pod1
	mkdir -p "$path/sidecar" "$path/weaver" "$W/load"
	# shellcheck disable=SC2016
	(cd "$W/load" && unshare --net sh -c 'ip link set lo up && echo 0 >"$0/sidecar/cgroup.procs" &&
		exec "$@"' "$path" "$O/audit-watch" "${options[@]}" "$path/weaver" "$@") | cat || status=$?
	rmdir "$path/sidecar" "$path/weaver" "$path"
	[ "$status" != 77 ] || skip "BPF cannot be loaded here"
	return "$status"
}

# ---- the sidecar itself, beside what there is of a pod ----

# audit_pod: a pod with the containers "sidecar" and "weaver", which are cgroups and no more, and a
# network of its own. AUDIT is the sidecar's buffer.
audit_pod()
{
	local mount
	audit_needs
	mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	POD=$mount$(sed -n 's/^0:://p' /proc/self/cgroup)/pod2
	AUDIT=$W/audit
	mkdir -p "$POD/sidecar" "$POD/weaver" "$AUDIT"
	unshare --net sh -c 'ip link set lo up && exec sleep infinity' &
	pod_network=$!
	wait_for 5 pod_network_is_up
	at_end audit_exit
}

# Before it has left our network, its loopback is ours, which is up.
pod_network_is_up()
{
	[ "$(readlink "/proc/$pod_network/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		in_pod ip link show lo | grep -q LOWER_UP
}

audit_exit()
{
	local processes
	[ "$case_status" = 0 ] || [ "$case_status" = 77 ] || {
		echo "health: $(audit_get 9091 /health || echo "no answer, status $?")"
		tail -n 20 "$W/sidecar.log"
	} >&2
	{
		for processes in "$POD"/*/cgroup.procs; do
			xargs -r kill -KILL <"$processes"
		done
		# shellcheck disable=SC2046
		end_by_force $(jobs -p)
	} 2>/dev/null
	! mountpoint -q "$AUDIT" || umount "$AUDIT"
	rmdir "$POD/sidecar" "$POD/weaver" "$POD" || case_status=1
}

# in_pod COMMAND...: in its network, but in no container of it.
in_pod()
{
	(become_in_pod "$@")
}

# in_container NAME COMMAND...
in_container()
{
	(become_in_container "$@")
}

# The same in the place of this shell: the end of a line with &, so that $! is the command.
become_in_pod()
{
	exec nsenter --net="/proc/$pod_network/ns/net" -- "$@"
}

become_in_container()
{
	local name=$1
	shift
	# shellcheck disable=SC2016
	become_in_pod sh -c 'echo 0 >"$0" && exec "$@"' "$POD/$name/cgroup.procs" "$@"
}

# audit_start [NAME=VALUE...]: the sidecar with its two capabilities; returns at once.
audit_start()
{
	become_in_container sidecar setpriv --bounding-set=-all,+bpf,+perfmon env LOOM_WEAVER_ID=w-1 \
		LOOM_AUDIT_BUFFER_PATH="$AUDIT" "$@" "$O/audit-sidecar" >"$W/stdout" 2>>"$W/sidecar.log" &
	AUDIT_PID=$!
}

# audit_health: its status word; audit_get PORT PATH, with what curl says.
audit_health()
{
	audit_get 9091 /health | jq -r .status
}

audit_get()
{
	in_pod curl -s --max-time 5 "http://127.0.0.1:$1$2"
}

# audit_is STATUS, for wait_for.
audit_is()
{
	[ "$(audit_health)" = "$1" ]
}

# audit_ready [NAME=VALUE...]: started, and recording.
audit_ready()
{
	audit_start "$@"
	wait_for 20 in_pod curl -sf http://127.0.0.1:9091/health
}

# audit_stop: by SIGTERM; the trail is then in $W/trail.
audit_stop()
{
	kill -TERM "$AUDIT_PID"
	wait "$AUDIT_PID" || fail "the sidecar ended with $?"
	audit_trail >"$W/trail"
}

audit_trail()
{
	LOOM_AUDIT_BUFFER_PATH=$AUDIT "$O/audit-sidecar" tail
}

# audit_whole: what weaver says of $W/trail.
audit_whole()
{
	"$O/weaver" audit verify "$W/trail" >"$W/verdict" || fail "$(cat "$W/verdict")"
}

# ---- weavers with a sidecar ----

# audit_options: what mount_weavers needs for weavers with the sidecar of this build.
audit_options()
{
	local image=localhost/audit-sidecar:1
	case $TEST_CLUSTER in
	sim) image=ghcr.io/ghuntley/loom-audit-sidecar:latest ;;
	real)
		mkdir -p "$W/sidecar-root"
		cp "$O/audit-sidecar" "$W/sidecar-root"
		"$LIB/../cluster/image" --state "$CLUSTER_STATE" "$image" "$W/sidecar-root" \
			'{"Entrypoint": ["/audit-sidecar"]}'
		k patch configmap weaver-policy -p "{\"data\": {\"audit_image\": \"$image\"}}" >/dev/null
		;;
	esac
	echo "audit_enabled=true,audit_probes=private,audit_image=$image"
}

# audited_weaver NAME...: made, and running with a sidecar that records.
audited_weaver()
{
	local name
	for name; do
		# the policy learns of its image a moment later
		wait_for 20 mkdir "$MNT/$name"
	done
	for name; do
		wait_for 90 status_is "$name" running
		! k logs "$(cat "$MNT/$name/pod")" -c audit-sidecar --tail 1 | grep -q '"stand_in":true' ||
			skip "BPF cannot be loaded here"
		wait_for 20 "$MNT/$name/sh" -c true
	done
}

# sidecar_pid NAME: the sidecar of a weaver, as this host sees it.
sidecar_pid()
{
	local uid pid
	uid=$(jq -r .metadata.uid "$MNT/$1/pod.json")
	for pid in $(grep -l "pod$uid" /proc/[0-9]*/cgroup 2>/dev/null | cut -d / -f 3 || true); do
		[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" != "/audit-sidecar " ] || { echo "$pid"; return; }
	done
	return 1
}

# audit_has NAME JQ-CONDITION [TIMES], for wait_for: so many records, or at least one, are so.
audit_has()
{
	local n
	n=$(jq -c "select($2)" "$MNT/$1/audit" | wc -l)
	if [ -n "${3-}" ]; then [ "$n" = "$3" ]; else [ "$n" -gt 0 ]; fi
}
