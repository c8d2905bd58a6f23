#!/bin/bash
# A full disk makes health degraded; what it did not take is reported, to the last record.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod
mount -t tmpfs -o size=4m none "$AUDIT"

audit_ready LOOM_AUDIT_BUFFER_MAX_BYTES=2Mi LOOM_AUDIT_STDOUT_BYTES=0
dd if=/dev/zero of="$AUDIT/others" bs=64k >/dev/null 2>&1 || true
in_container weaver "$O/audit-load" --flood 20000 >"$W/load.json"
wait_for 20 audit_is degraded
audit_get 9091 /health | jq -e '.reasons[0] | test("buffer: .*No space left")' >/dev/null ||
	fail "$(audit_get 9091 /health)"
rm "$AUDIT/others"
wait_for 20 audit_is healthy
audit_stop
audit_whole
lost=$(jq -s 'map(select(.event_type == "audit_lost" and .details.reason == "disk") | .details.count) | add' "$W/trail")
[ "${lost:-0}" -gt 0 ] || fail "nothing was lost: this proved nothing"
# all that was numbered is listed, left out on purpose, or reported
jq -s 'map(select(.event_type == "audit_heartbeat"))[-1].details |
	if .numbered == .listed + .filtered + .missing then empty else . end' "$W/trail" >"$W/wrong"
[ ! -s "$W/wrong" ] || fail "$(cat "$W/wrong")"
umount "$AUDIT"
