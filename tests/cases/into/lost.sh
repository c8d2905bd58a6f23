#!/bin/bash
# The connection to the API server is cut in the middle of sh, exec, stdin and a download: a sentence, exit code 255, an
# errno, and the command is ended in the weaver once there is a connection again.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"
port=$(free_port)
. "$LIB/proxy.sh"

last_error()
{
	tail -n 1 "$MNT/.weaverfs/errors"
}

proxy_start
cp "$KUBECONFIG" "$W/direct"
proxy_kubeconfig "$KUBECONFIG"
mount_weavers
running_weaver a
sh=$MNT/a/sh
"$sh" -c 'mkdir /tmp/www && cd /tmp/www && dd if=/dev/zero of=big bs=1048576 count=50 2>/dev/null; exec busybox httpd -f -p "127.0.0.1:$0"' "$port" 2>httpd.err &
server=$!
serves()
{
	curl -sS -o /dev/null --unix-socket "$MNT/a/ports/$port" http://w/ -w '%{http_code}'
}
wait_for 30 serves

"$sh" -c 'echo begun; exec sleep 901' >out 2>err &
client=$!
wait_for 20 grep -q begun out
exec 3<>"$MNT/a/exec"
echo 'echo begun; exec sleep 902' >&3
bash -c 'cat <&3' >exec.out 2>exec.err &
reader=$!
wait_for 20 grep -q begun exec.out
curl -sS --limit-rate 100k --unix-socket "$MNT/a/ports/$port" http://w/big >/dev/null 2>curl.err &
download=$!
wait_for 20 some_in_weaver a 'sleep 902'

proxy_stop
status=0
wait "$client" || status=$?
assert_eq 255 "$status" "sh"
assert_match "^weaver: the connection to the API server was lost" "$(cat err)"
status=0
wait "$reader" || status=$?
assert_eq 1 "$status" "exec"
assert_match "Input/output error" "$(cat exec.err)"
exec 3>&-
expect_fail wait "$download"
status=0
wait "$server" || status=$?
assert_eq 255 "$status" "the server's sh"
grep -q $'\trun\ta/exec\tEIO\tthe connection to the API server was lost' "$MNT/.weaverfs/errors" ||
	fail "exec is not in errors"

# while it is away: at once, a sentence
status=0
timeout 20 "$sh" -c true 2>err || status=$?
assert_eq 255 "$status" "without a connection"
assert_match '^weaver: .*([Cc]onnect|refused|proxy)' "$(cat err)"

proxy_start
back()
{
	[ "$("$sh" -c 'echo back')" = back ]
}
wait_for 30 back
wait_for 30 none_in_weaver a 'sleep 90[12]'
umount_weavers
proxy_stop
