#!/bin/bash
# From its start to ready the sidecar takes less than half a second of processor time and 64 MB of memory.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

audit_ready
# user and system time, in ticks of 10 ms
ticks=$(awk '{ print $14 + $15 }' "/proc/$AUDIT_PID/stat")
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$AUDIT_PID/status")
echo "$((ticks * 10)) ms, $peak kB" >"$W/figures"
[ "$ticks" -lt 50 ] || fail "$(cat "$W/figures")"
[ "$peak" -lt 65536 ] || fail "$(cat "$W/figures")"
audit_stop
audit_whole
