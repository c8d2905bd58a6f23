#!/bin/bash
# A server older than Kubernetes 1.30 is refused with a sentence that says what it lacks; 1.30 will do.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

# serve VERSION: another kubesim, which says it is that.
serve()
{
	"$O/kubesim" --state "$W/other" --kubernetes "$1" >"$W/other.log" 2>&1 &
	pid=$!
	wait_for 20 test -s "$W/other/kubeconfig"
	export KUBECONFIG=$W/other/kubeconfig
}

serve_end()
{
	kill -TERM "$pid"
	wait "$pid"
}

NS=loom-weavers
mkdir "$MNT"
for version in v1.29.14 v1.9.0 v0.30.0; do
	serve "$version"
	status=0
	said=$(timeout 30 "$WEAVERFS" -f -o "state_dir=$W/state" "$MNT" 2>&1) || status=$?
	assert_eq 1 "$status"
	assert_match "https://127.0.0.1:[0-9]+ is Kubernetes ${version//./\\.}[^ ]*; weaverfs needs 1\\.30 or later.*upgrade" "$said"
	assert_eq 1 "$(wc -l <<<"$said")" "lines of '$said'"
	expect_fail mountpoint -q "$MNT"
	serve_end
done
for version in v1.30.0 v2.0.1; do
	serve "$version"
	mount_weavers
	mkdir "$MNT/a"
	umount_weavers
	serve_end
done
