#!/bin/bash
# Every wrong start ends with exit status 1 and one sentence that names what is wrong; nothing mounts.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# refuses REGEX ARGUMENTS...
refuses()
{
	local pattern=$1 said
	shift
	! said=$(timeout 60 "$WEAVERFS" -f "$@" 2>&1) || fail "started, and must not: $*"
	assert_match "$pattern" "$said"
	assert_eq 1 "$(wc -l <<<"$said")" "lines of '$said'"
	expect_fail mountpoint -q "$MNT"
}

mkdir "$MNT"
o=namespace=$NS,image=$TEST_IMAGE,state_dir=$W/state
refuses "max_concurrent.*"x"" -o "$o,max_concurrent=x" "$MNT"
refuses 'default_ttl_hours' -o "$o,default_ttl_hours=0" "$MNT"
refuses 'default_ttl_hours.*max_ttl_hours' -o "$o,default_ttl_hours=9,max_ttl_hours=8" "$MNT"
refuses 'no_such_option' -o "$o,no_such_option=1" "$MNT"
refuses 'webhooks' -o "$o,webhooks={" "$MNT"
LOOM_SERVER_WEAVER_MAX_CONCURRENT=-1 refuses 'LOOM_SERVER_WEAVER_MAX_CONCURRENT' -o "$o" "$MNT"
KUBECONFIG=$ADMIN_KUBECONFIG refuses 'create namespace no-such' -o "namespace=no-such,state_dir=$W/state" "$MNT"
refuses "$W/none" -o "$o" "$W/none-mount/x"
KUBECONFIG=$W/bad.yaml
echo 'clusters: [' >"$KUBECONFIG"
export KUBECONFIG
refuses 'bad.yaml:[0-9]' -o "$o" "$MNT"
KUBECONFIG=$W/away.yaml
cat >"$KUBECONFIG" <<END
apiVersion: v1
kind: Config
current-context: c
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: x}}]
END
refuses '127.0.0.1:1' -o "$o,start_timeout=2" "$MNT"
