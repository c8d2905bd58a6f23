#!/bin/bash
# With proxy-url all goes through that proxy, by CONNECT; without the proxy nothing goes around it.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/credentials.sh"
. "$LIB/proxy.sh"

proxy_start
proxy_kubeconfig "$KUBECONFIG"
mount_weavers
mkdir "$MNT/a"
umount_weavers
proxy_stop
assert_eq "$(server | sed 's|https://||')" "$(sort -u "$W/proxy.log")" "what the proxy was asked for"
start_says "cannot connect to $(server) through its proxy-url: .*127.0.0.1 port $(cat "$W/proxy.port")"
