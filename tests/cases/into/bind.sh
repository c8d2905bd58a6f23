#!/bin/bash
# A container that has one weaver's directory and nothing else of the mount: its owner goes in by sh,
# exec, attach and ports; read-only takes ttl, exec and stdin away, not the sockets; another uid gets nothing.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"
port=$(free_port)

# inside UID HOW COMMAND...: in a container with the weaver at /weaver, no /run, and our `weaver`.
inside()
{
	setpriv --reuid "$1" --regid "$1" --clear-groups -- bwrap --unshare-all --share-net \
		--uid "$1" --gid "$1" --unshare-user --ro-bind /usr /usr --symlink usr/bin /bin \
		--symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind "$O/weaver" /opt/weaver \
		--setenv PATH /usr/bin:/opt --proc /proc --dev /dev "--$2" "$MNT/mine" /weaver -- "${@:3}"
}

mount_weavers
as 2001:2001 mkdir "$MNT/mine"
wait_for 40 status_is mine running
chmod 0755 "$W"
as 2001:2001 "$MNT/mine/sh" -c 'mkdir /tmp/www && echo hello >/tmp/www/hello'
"$MNT/mine/sh" -c 'exec busybox httpd -f -p "127.0.0.1:$0" -h /tmp/www' "$port" &
server=$!
serves()
{
	curl -sS --unix-socket "$MNT/mine/ports/$port" http://w/hello
}
wait_for 20 serves
# shellcheck disable=SC2016
run='exec 3<>/weaver/exec; echo "echo hi" >&3; cat <&3'

assert_eq "uid 1000" "$(inside 2001 bind /weaver/sh -c 'echo uid $(id -u)')" "sh, rw"
assert_eq 7 "$(status_of inside 2001 bind /weaver/sh -c 'exit 7')"
assert_eq hi "$(inside 2001 bind bash -c "$run")" "exec, rw"
assert_eq hello "$(inside 2001 bind curl -sS --unix-socket /weaver/ports/$port http://w/hello)"
inside 2001 bind sh -c 'echo true >/weaver/stdin'
inside 2001 bind sh -c 'echo 2h >/weaver/ttl'
assert_match '^7(200|1..)$' "$(inside 2001 bind cat /weaver/ttl)" "ttl, rw"
expect_fail inside 2001 bind ls /weaver/../.weaverfs # and nothing else

assert_eq "uid 1000" "$(inside 2001 ro-bind /weaver/sh -c 'echo uid $(id -u)')" "sh, ro"
assert_eq hello "$(inside 2001 ro-bind curl -sS --unix-socket /weaver/ports/$port http://w/hello)"
assert_match "Read-only file system" "$(inside 2001 ro-bind bash -c "$run" 2>&1 || true)"
assert_match "Read-only file system" \
	"$(inside 2001 ro-bind sh -c 'echo true >/weaver/stdin' 2>&1 || true)"
assert_match "Read-only file system" "$(inside 2001 ro-bind sh -c 'echo 1h >/weaver/ttl' 2>&1 || true)"
for how in bind ro-bind; do
	assert_match "via-$how" "$(inside 2001 "$how" sh -c \
		'echo "echo via-\"$0\"" | timeout 5 /weaver/attach' "$how" || true)" "attach, $how"
done

# who may only watch: a group that may read
chgrp 2002 "$MNT/mine"
assert_eq running "$(inside 2002 bind cat /weaver/status)" "the group reads"
for how in bind ro-bind; do
	assert_match "Permission denied" "$(inside 2002 "$how" /weaver/sh -c true 2>&1 || true)"
	assert_match "Permission denied" "$(inside 2002 "$how" sh /weaver/sh -c true 2>&1 || true)"
	assert_match "Permission denied" "$(inside 2002 "$how" weaver sh /weaver/ -c true 2>&1 || true)"
	assert_match "Permission denied" "$(inside 2002 "$how" bash -c "$run" 2>&1 || true)"
	expect_fail inside 2002 "$how" curl -sS --unix-socket /weaver/ports/$port http://w/hello
done
expect_fail inside 2003 bind cat /weaver/status
# root of the container is its owner's uid and no more
root()
{
	setpriv --reuid "$1" --regid "$1" --clear-groups -- bwrap --unshare-user --uid 0 --gid 0 \
		--ro-bind / / -- "${@:2}"
}
assert_eq "1000" "$(root 2001 "$MNT/mine/sh" -c 'id -u')"
expect_fail root 2003 weaver sh "$MNT/mine" -c 'id -u'
kill "$server"
wait "$server" 2>/dev/null || true
