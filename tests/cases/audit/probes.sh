#!/bin/bash
# The probes see each deed of audit-load once and nothing else, with BPF and PERFMON alone.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_needs

for option in "" -f; do
	audit_watch $option "$O/audit-load" >"$W/both.json"
	grep '"did"' "$W/both.json" >"$W/load.json"
	grep '"seen"' "$W/both.json" >"$W/watch.json"
	"$LIB/../audit/compare" "$W/load.json" "$W/watch.json" >"$W/said" || {
		cat "$W/said" >&2
		fail "what was seen is not what was done"
	}
done
