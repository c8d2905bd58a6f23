#!/bin/bash
# A weaver bind-mounted into a container of runc is its owner's uid's alone there: rw, ro, mapped uids.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

type -P runc >/dev/null || skip "needs runc"
busybox=$(type -P busybox)
! ldd "$busybox" >/dev/null 2>&1 || skip "needs a static busybox"

# bundle: a root file system of busybox alone, and the configuration of the container that runc makes.
mkdir -p "$W"/bundle/rootfs/{bin,proc,weaver}
cp "$busybox" "$W/bundle/rootfs/bin/"
chmod 777 "$W/bundle/rootfs"
for applet in sh cat ls echo id mkdir rmdir touch grep sleep tail; do
	ln -s busybox "$W/bundle/rootfs/bin/$applet"
done
(cd "$W/bundle" && runc spec)

# config UID HOW MAPPED COMMAND: HOW is rw or ro; MAPPED: host uid that is the container's root, or "".
config()
{
	jq --argjson uid "$1" --arg how "$2" --arg mapped "$3" --arg command "$4" --arg source "$MNT/mine" '
		.process.terminal = false
		| .root.readonly = false
		| .process.user = {uid: $uid, gid: $uid}
		| .process.args = ["/bin/sh", "-c", $command]
		| .process.capabilities = {bounding: [], effective: [], permitted: []}
		| del(.process.rlimits, .process.oomScoreAdj)
		| .linux.resources = {}
		| .mounts |= map(select(.destination == "/proc" or .destination == "/dev"))
		| .mounts += [{destination: "/weaver", type: "bind", source: $source, options: ["bind", $how]}]
		| if $mapped == "" then . else
			.linux.namespaces += [{type: "user"}]
			| .linux.uidMappings = [{containerID: 0, hostID: ($mapped | tonumber), size: 1}]
			| .linux.gidMappings = .linux.uidMappings
		  end' "$W/bundle/config.json" >"$W/bundle/new.json"
	cp "$W/bundle/config.json" "$W/bundle/template.json"
	mv "$W/bundle/new.json" "$W/bundle/config.json"
}

# inside UID HOW MAPPED COMMAND: what it prints; its exit status.
inside()
{
	local status=0
	config "$@"
	runc --root "$W/runc" run --bundle "$W/bundle" "case-$$" </dev/null 2>&1 || status=$?
	mv "$W/bundle/template.json" "$W/bundle/config.json"
	return "$status"
}

# refused WHY UID HOW MAPPED COMMAND
refused()
{
	local why=$1 said
	shift
	! said=$(inside "$@") || fail "succeeded, and must not: $*"
	[[ $said == *"$why"* ]] || fail "$*: expected '$why', got '$said'"
}

mount_weavers
as 2001:2001 mkdir "$MNT/mine"
mkdir "$MNT/other"
wait_for 30 status_is mine running
id=$(cat "$MNT/mine/id")

# Read and written by its owner; nobody else's weaver is there, nor what is the mount's own.
assert_eq "$id" "$(inside 2001 rw '' 'cat /weaver/id')"
inside 2001 rw '' 'echo 3h >/weaver/ttl && echo a=1 >/weaver/tags' || fail "its owner cannot write"
assert_eq a=1 "$(cat "$MNT/mine/tags")"
assert_eq running "$(inside 2001 rw '' 'cat /weaver/wait/running')"
assert_eq "" "$(inside 2001 rw '' 'ls -a /weaver/.. | grep -vxE "bin|dev|proc|sys|weaver|[.]+" || true')" "what else is there"
refused 'Operation not permitted' 2001 rw '' 'mkdir /weaver/x'
refused 'Operation not permitted' 2001 rw '' 'rm() { busybox rm "$@"; }; rm /weaver/status'
refused 'busy' 2001 rw '' 'rmdir /weaver'

# Read-only.
assert_eq running "$(inside 2001 ro '' 'cat /weaver/status')"
refused 'Read-only file system' 2001 ro '' 'echo 5h >/weaver/ttl'
refused 'Read-only file system' 2001 ro '' 'touch /weaver/status'

# Another uid, and root without capabilities: nothing.
for uid in 2002 0; do
	refused 'Permission denied' $uid rw '' 'cat /weaver/status'
	refused 'Permission denied' $uid rw '' 'ls /weaver'
	refused 'Permission denied' $uid rw '' 'echo 5h >/weaver/ttl'
done

# Mapped: the root of a container that is the owner outside is the owner; that of another is nobody.
assert_eq "$id" "$(inside 0 rw 2001 'cat /weaver/id')"
inside 0 rw 2001 'echo b=2 >/weaver/tags' || fail "the mapped owner cannot write"
assert_eq b=2 "$(cat "$MNT/mine/tags")"
refused 'Permission denied' 0 rw 2002 'cat /weaver/id'
[ "$(cat "$MNT/mine/ttl")" -lt 10801 ] || fail "somebody has written ttl"

# A group that may read watches: chgrp by the owner.
chgrp 2002 "$MNT/mine"
assert_eq running "$(inside 2002 rw '' 'cat /weaver/status')"
refused 'Permission denied' 2002 rw '' 'echo 5h >/weaver/ttl'

# What is removed outside is gone inside, while a container looks.
inside 2001 rw '' 'cat /weaver/follow/status; cat /weaver/status' >"$W/last" &
container=$!
wait_for 20 grep -q running "$W/last"
as 2001:2001 rmdir "$MNT/mine"
! wait "$container" || fail "the status of a weaver that is gone"
assert_match 'running.*No such file or directory$' "$(tr '\n' ' ' <"$W/last" | sed 's/ $//')"
umount_weavers
