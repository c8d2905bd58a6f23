#!/bin/bash
# The connection to the API server is cut in the middle of sh, exec, attach, stdin, ports and a terminal: a sentence, exit
# code 255 or an errno, and the command is ended in the weaver once there is a connection again.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"
. "$LIB/proxy.sh"
. "$LIB/middle.sh"

proxy_start
proxy_kubeconfig "$KUBECONFIG"
mount_weavers
running_weaver a
middle_begin 901
proxy_stop
middle_lost 'the connection to the API server was lost' "the proxy killed"

# while it is away: at once, a sentence
status=0
timeout 20 "$MNT/a/sh" -c true 2>err || status=$?
assert_eq 255 "$status" "without a connection"
assert_match '^weaver: .*([Cc]onnect|refused|proxy)' "$(cat err)"

proxy_start
middle_over 901
umount_weavers
proxy_stop
