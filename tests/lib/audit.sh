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
