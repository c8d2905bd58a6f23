#!/bin/bash
# A weaver that activeDeadlineSeconds has ended says so: kubectl's STATUS is only "Error".
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/reason.sh"

mount_weavers
pod_of late 'exec sleep 600' '.spec.activeDeadlineSeconds = 3
	| .spec.terminationGracePeriodSeconds = 1'
told late Error failed '(137|143)' '^DeadlineExceeded: Pod was active on the node longer' \
	'the limit in force was 3 s from the start \(activeDeadlineSeconds' 'max_ttl_hours'
