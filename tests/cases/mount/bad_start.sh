#!/bin/bash
# Every wrong start (of settings: bad_settings.sh) ends with exit status 1 and one sentence that names what is wrong; nothing mounts.
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
