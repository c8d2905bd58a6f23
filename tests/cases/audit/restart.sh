#!/bin/bash
# After kill -9 under load audit_gap covers exactly the blind time, and a cursor goes on where it was.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

audit_ready
become_in_container weaver python3 "$LIB/audit_execs" "$W/done" &
load=$!
wait_for 10 sh -c "[ \$(wc -l <$W/done) -gt 200 ]"
audit_trail >"$W/first"
killed=$(date +%s%N)
end_by_force "$AUDIT_PID"
dead=$(date +%s%N)
wait_for 10 sh -c "[ \$(wc -l <$W/done) -gt 600 ]"
started=$(date +%s%N)
audit_ready
ready=$(date +%s%N)
at=$(wc -l <"$W/done")
wait_for 10 sh -c "[ \$(wc -l <$W/done) -gt $((at + 200)) ]"
kill -TERM "$load"
wait "$load" || true
audit_stop
audit_whole

# the cursor
size=$(stat -c %s "$W/first")
cmp "$W/first" <(head -c "$size" "$W/trail") || fail "what was read before is not what is there now"
cmp <(tail -c "+$((size + 1))" "$W/trail") <(LOOM_AUDIT_BUFFER_PATH=$AUDIT "$O/audit-sidecar" tail --after "$size") ||
	fail "the cursor went on elsewhere"

# the gap
assert_eq "1 killed" "$(jq -rs 'map(select(.event_type == "audit_gap")) | "\(length) \(.[0].details.reason)"' "$W/trail")"
read -r from to < <(jq -r 'select(.event_type == "audit_gap") | .details | "\(.from) \(.to)"' "$W/trail")
ms=1000000
[ "$from" -le "$dead" ] && [ "$from" -gt $((killed - 1000 * ms)) ] || fail "from $from, killed $killed"
[ "$to" -gt "$started" ] && [ "$to" -le "$ready" ] || fail "to $to, started $started, ready $ready"
jq -r 'select(.event_type == "process_exec" and .details.argv[1] == "--noop") | .details.argv[2]' "$W/trail" |
	sort >"$W/seen"
[ -z "$(uniq -d "$W/seen")" ] || fail "seen twice: $(uniq -d "$W/seen" | head -n 3)"
# begun before `to` and ended after `from`: it may be in the gap; any other must have been seen
awk -v from="$from" -v to="$to" '$3 < from || $2 > to { print $1 }' "$W/done" | sort >"$W/outside"
missed=$(comm -23 "$W/outside" "$W/seen" | head -n 3)
[ -z "$missed" ] || fail "not seen, and not in the gap: $missed"
inside=$(awk -v from="$dead" -v to="$started" '$2 > from && $3 < to { print $1 }' "$W/done" | sort |
	comm -23 - "$W/seen" | wc -l)
[ "$inside" -gt 100 ] || fail "only $inside were missed: this proved nothing"
