#!/bin/bash
# The API server and the kubelet are killed in the middle of sh, exec, attach, stdin, ports and a terminal: a sentence, exit
# code 255 or an errno, and what was promised to end does not run on.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"
. "$LIB/middle.sh"

mount_weavers
running_weaver a
n=950
for daemon in apiserver kubelet; do
	n=$((n + 1))
	middle_begin "$n"
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" kill "$daemon"
	middle_lost '.{10}' "$daemon killed"
	status=0
	timeout 30 "$MNT/a/sh" -c true 2>err || status=$?
	assert_eq 255 "$status" "sh without $daemon"
	assert_match "^weaver: .{10}" "$(cat err)" "without $daemon"
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" heal
	middle_over "$n"
done
