#!/bin/bash
# A weaver's directory bind-mounted into a sandbox hands over that weaver to its owner's uid, and
# nothing else; read-only takes the writing away.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# inside UID HOW COMMAND: in a container that sees nothing else of the mount.
inside()
{
	local uid=$1 how=$2
	shift 2
	bwrap --unshare-pid --uid "$uid" --gid "$uid" --unshare-user --ro-bind /usr /usr --symlink usr/bin /bin \
		--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev \
		"--$how" "$MNT/mine" /weaver -- "$@"
}

mount_weavers
as 2001:2001 mkdir "$MNT/mine"
mkdir "$MNT/other"
wait_for 30 status_is mine running
as 2001:2001 true
run()
{
	setpriv --reuid "$1" --regid "$1" --clear-groups -- bash -c "$(declare -f inside); MNT=$MNT inside $1 $2 ${*:3}"
}
assert_eq running "$(run 2001 bind cat /weaver/status)" "read in a container"
run 2001 bind "sh -c 'echo 3h >/weaver/ttl'"
expect_fail run 2001 ro-bind "sh -c 'echo 4h >/weaver/ttl'"
assert_eq running "$(run 2001 ro-bind cat /weaver/status)" "read-only"
expect_fail run 2002 bind cat /weaver/status
expect_fail run 2001 bind ls "$MNT/other"
[ "$(cat "$MNT/mine/ttl")" -gt 10000 ] || fail "the write from inside is not there"
