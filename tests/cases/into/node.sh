#!/bin/bash
# The API server and the kubelet are killed in the middle of commands: a sentence, exit code 255, and what was
# promised to end does not run on.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
# timeout: 300
. "$LIB/case.sh"
. "$LIB/into.sh"

runs()
{
	[ "$(in_weaver a "$1")" != 0 ]
}

back()
{
	[ "$("$MNT/a/sh" -c 'echo back')" = back ]
}

mount_weavers
running_weaver a
n=950
for daemon in apiserver kubelet; do
	n=$((n + 1))
	"$MNT/a/sh" -c "echo begun; exec sleep $n" >out 2>err &
	client=$!
	wait_for 20 grep -q begun out
	exec 3<>"$MNT/a/exec"
	echo "echo begun; exec sleep $n" >&3
	bash -c 'cat <&3' >exec.out 2>exec.err &
	reader=$!
	wait_for 20 grep -q begun exec.out
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" kill "$daemon"
	status=0
	wait "$client" || status=$?
	assert_eq 255 "$status" "sh, $daemon killed"
	assert_match "^weaver: .{10}" "$(cat err)" "$daemon killed"
	status=0
	wait "$reader" || status=$?
	assert_eq 1 "$status" "exec, $daemon killed"
	exec 3>&-
	status=0
	timeout 30 "$MNT/a/sh" -c true 2>err || status=$?
	assert_eq 255 "$status" "sh without $daemon"
	assert_match "^weaver: .{10}" "$(cat err)" "without $daemon"
	"$LIB/../cluster/ctl" --state "$CLUSTER_STATE" heal
	wait_for 60 back
	wait_for 60 none_in_weaver a "sleep $n"
done
