#!/bin/bash
# How a weaver's command has ended: its exit code, why, and what it said last.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
pod_of seven 'echo first; echo the disk is on fire; exit 7'
pod_of worked 'sleep 7; echo done'
pod_of at-once 'echo nothing to do'
pod_of silent 'true'
pod_of killed 'sh -c "kill -9 \$\$"; exit $?'
pod_of no-program '' '.spec.containers[0].command = ["/no/such/program"]'
pod_of no-clone 'exit 65' '.spec.containers[0].env = [{name: "LOOM_REPO", value: "https://x.invalid/r"}]'
told seven Error failed 7 '^Error: exit code 7$' 'it said last: the disk is on fire$'
told at-once Completed succeeded 0 '^Completed: ended with exit code 0 after [0-4] s$' \
	'the container had nothing to do' 'it said last: nothing to do$'
told silent Completed succeeded 0 '^Completed: ended with exit code 0' 'it said nothing'
told killed Error failed 137 '^Error: exit code 137 \(SIGKILL\)$' 'SIGKILL'
told no-program StartError failed 128 '^StartError: .*/no/such/program.*no such file or directory' \
	'the program of `command` does not exist in the image'
told no-clone Error failed 65 '^Error: exit code 65$' 'git clone of https://x.invalid/r failed'
well worked Completed succeeded 0
