#!/bin/bash
# A weaver that reached its memory limit says so, with the limit in force.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
pod_of hog 'exec awk "BEGIN { s = 1; while (1) s = s s }"'
told hog OOMKilled failed 137 '^OOMKilled: exit code 137 \(SIGKILL\)$' \
	'the memory limit in force was 64Mi: make the weaver again with more in `memory`'
