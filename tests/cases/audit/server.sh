#!/bin/bash
# A server that is dead, refuses the token or is slow makes health degraded at most, and gets all in the end, once.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

degraded_by()
{
	audit_get 9091 /health | jq -e --arg why "$1" '.status == "degraded" and (.reasons | any(test($why)))'
}

server()
{
	become_in_pod python3 "$LIB/audit_server" "$W/received" "$W/mode"
}

deed()
{
	in_container weaver /bin/true "$1"
}

received()
{
	jq -r '.events[] | select(.event_type == "process_exec") | .details.argv[1]' "$W/received" | grep -c "^$1\$"
}

audit_ready LOOM_SERVER_URL=http://127.0.0.1:8080 LOOM_AUDIT_ALLOW_INSECURE_HTTP=1
deed while-dead
wait_for 10 degraded_by "server: .*Connection refused"
assert_eq 200 "$(in_pod curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9091/health)"

echo 401 >"$W/mode"
server &
wait_for 20 degraded_by "server: .*401"
deed while-refused

echo slow >"$W/mode"
wait_for 40 audit_is healthy
deed while-slow
wait_for 30 received while-slow

echo 200 >"$W/mode"
deed while-well
wait_for 20 received while-well
audit_stop
audit_whole
# each line of the trail to its end, once, in its order
python3 - "$W/received" "$W/trail" <<'E' || fail "what was sent is not the trail"
import json, sys
received, trail = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
sent = [event for body in received for event in body["events"]]
sys.exit(sent != trail or not trail[-1]["details"]["end"])
E
for when in dead refused slow well; do
	assert_eq 1 "$(received "while-$when")" "while-$when"
done
