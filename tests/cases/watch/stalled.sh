#!/bin/bash
# A watch that says nothing any more, and does not end either, is given up 95 s after its last word.
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# cluster: sim
# tier: all
. "$LIB/case.sh"
. "$LIB/watching.sh"
. "$LIB/proxy.sh"

age()
{
	sed -n 's/^last_event_age_s=//p' "$MNT/.weaverfs/health"
}

is_old()
{
	[ "$(age)" -ge 30 ]
}

is_new()
{
	[ "$(age)" -lt 30 ]
}

proxy_start
proxy_kubeconfig "$KUBECONFIG"
pod a
mount_weavers
wait_for 5 test -d "$MNT/a"
# A bookmark comes: only where they do, silence means something.
wait_for 70 is_old
wait_for 70 is_new
kubesim_faults '{"rules":[{"verb":"watch","path":"*/pods*","count":1,"stall_after":0}]}'
proxy_stop # ends the good watch
proxy_start
wait_for 10 met 1
pod b
wait_for 110 test -d "$MNT/b"
wait_for 10 same
umount_weavers
proxy_stop
