#!/bin/bash
# Of a flood that outruns its reader each record is received or told as lost, by kind and CPU; of exec none is lost.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_needs

audit_watch -s 20000 "$O/audit-load" --flood 100000 >"$W/both.json"
load=$(grep '"opens"' "$W/both.json")
watch=$(grep '"seen"' "$W/both.json")
total()
{
	jq ".totals.$1 | .received + .lost" <<<"$watch"
}

assert_eq 0 "$(jq .slots_wrong <<<"$watch")" "slots where produced is not received + lost"
assert_eq "$(jq .opens <<<"$load")" "$(total file_open)" opens
# a record for the first write of each open file; one more is that of audit-watch, which puts the
# command into the cgroup
assert_eq "$(jq ".opens + 1" <<<"$load")" "$(total file_write)" writes
assert_eq "$(jq '.execs + 1' <<<"$load")" "$(total process_exec)" execs
assert_eq 0 "$(jq '[.totals | .process_exec, .privilege_change, .sandbox_escape | .lost] | add' <<<"$watch")" \
	"critical records lost"
[ "$(jq '.totals.file_open.lost' <<<"$watch")" -gt 0 ] || fail "nothing was lost: this proved nothing"
