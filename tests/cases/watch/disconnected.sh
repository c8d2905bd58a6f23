#!/bin/bash
# What changes while weaverfs is cut off is there when it is not: pods gone, new, renamed; also after a 410.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/watching.sh"
. "$LIB/proxy.sh"

proxy_start
proxy_kubeconfig "$KUBECONFIG"
for name in a b c d; do
	pod "$name"
done
mount_weavers
assert_eq $'a\nb\nc\nd' "$(ls "$MNT")"

# cut_off COMMAND...: done while the proxy is away.
cut_off()
{
	proxy_stop
	wait_for 10 degraded
	"$@"
	proxy_start
	wait_for 15 same
}

changes()
{
	pod_delete a
	k label pod weaver-b-id loom.dev/name=renamed --overwrite >/dev/null
	pod e
}
cut_off changes
assert_eq $'c\nd\ne\nrenamed' "$(ls "$MNT" | sort)"

# A server that has started again does not know the old versions: a list, which replaces.
restart()
{
	pod_delete c
	pod f
	[ "$TEST_CLUSTER" = real ] || return 0
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" restart apiserver
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" wait apiserver
}
cut_off restart
assert_eq $'d\ne\nf\nrenamed' "$(ls "$MNT" | sort)"
umount_weavers
proxy_stop
