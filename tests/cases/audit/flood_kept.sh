#!/bin/bash
# Of a million opens, two million writes and 10,000 execs the sidecar keeps or reports each record, and each exec.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
# tier: all
# timeout: 400
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

# flood TIMES: milliseconds that it took, and of processor time; what it did is in $W/load.json
flood()
{
	local TIMEFORMAT='%R %U %S'
	{ time in_container weaver "$O/audit-load" --flood "$1" >"$W/load.json"; } 2>&1 |
		awk '{ printf "%d %d\n", 1000 * $1, 1000 * ($2 + $3) }'
}

cd "$W"
read -r _ tenth < <(flood 100000)
audit_ready LOOM_AUDIT_FILTER_RATE_LIMIT=0 LOOM_AUDIT_STDOUT_BYTES=0 LOOM_AUDIT_BUFFER_MAX_BYTES=2Gi
read -r took watched < <(flood 1000000)
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$AUDIT_PID/status")
spent=$(awk '{ print ($14 + $15) * 10 }' "/proc/$AUDIT_PID/stat")
kill -TERM "$AUDIT_PID"
wait "$AUDIT_PID" || fail "the sidecar ended with $?"

audit_trail | tee >(grep -o '"event_type":"[a-z_]*"' | sort | uniq -c >"$W/kinds") \
	>(grep '"audit_heartbeat"' | tail -n 1 >"$W/heartbeat") | "$O/weaver" audit verify - >"$W/verdict" ||
	fail "$(cat "$W/verdict")"
wait_for 10 test -s "$W/kinds"
wait_for 10 test -s "$W/heartbeat"

# lines KIND; of KIND [produced,lost]
lines()
{
	awk -v kind="\"event_type\":\"$1\"" '$2 == kind { print $1 }' "$W/kinds"
}

counted()
{
	jq --arg kind "$1" ".details.produced[\$kind][$2] // 0" "$W/heartbeat"
}

jq -c '.details | .captured as $received | .produced | to_entries[] |
	select(.value[0] != ($received[.key] // 0) + .value[1])' "$W/heartbeat" >"$W/wrong"
[ ! -s "$W/wrong" ] || fail "produced is not received and lost: $(cat "$W/wrong")"
for kind in file_open process_exec process_exit; do
	assert_eq "$(counted $kind 0)" $(($(lines $kind) + $(counted $kind 1))) "$kind: produced, and listed or lost"
done
# what the shell wrote that put the load into its cgroup is a runtime's set-up: not listed
assert_eq "$(counted file_write 0)" $(($(lines file_write) + $(counted file_write 1) + 1)) "file_write: produced"
assert_eq "$(jq .opens "$W/load.json")" "$(counted file_open 0)" opens
# the first write of each open file is a record, that of the shell and what audit-load says at last, too
assert_eq "$(jq '.opens + 2' "$W/load.json")" "$(counted file_write 0)" writes
assert_eq "$(jq '.execs + 1' "$W/load.json")" "$(counted process_exec 0)" execs
for kind in process_exec privilege_change sandbox_escape; do
	assert_eq 0 "$(counted $kind 1)" "$kind lost"
done
records=$(jq '[.details.produced[][0]] | add' "$W/heartbeat")
lost=$(jq '[.details.produced[][1]] | add' "$W/heartbeat")
figures="$records records in $took ms ($watched ms of processors), $((records * 1000 / took)) a second, $lost lost"
figures+="; $(((watched - 10 * tenth) * 1000000 / records)) ns each for who makes them; the sidecar: $spent ms, $peak kB"
[ "$peak" -lt 131072 ] || fail "$figures"
[ -z "${AUDIT_FIGURES-}" ] || echo "$figures"
