#!/bin/bash
# Secrets in arguments, URLs and the environment are in no sink: buffer, stdout, server, pages, log.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod
canary=kanarienvogel$RANDOM

become_in_pod python3 "$LIB/audit_server" "$W/received" &
audit_ready LOOM_SERVER_URL=http://127.0.0.1:8080 LOOM_AUDIT_ALLOW_INSECURE_HTTP=1
OTHER=$canary-env in_container weaver true --token "$canary-token" "--password=$canary-password" \
	"API_KEY=$canary-key" "https://user:$canary-url@host.example/x?access_token=$canary-query" \
	-H "Authorization: Bearer $canary-bearer" "ghp_${canary}0123456789abcdefghijABCDEFGHIJ" shown-argument
wait_for 20 grep -q shown-argument "$W/received"
audit_get 9090 /metrics >"$W/metrics"
audit_get 9091 /health >"$W/health"
audit_stop
grep -q shown-argument "$W/trail" || fail "the command is not in the trail"
grep -q shown-argument "$W/stdout" || fail "the command is not on stdout"
! grep -o ".*$canary.*" -r "$W/trail" "$W/stdout" "$W/received" "$W/metrics" "$W/health" "$W/sidecar.log" >&2 ||
	fail "a secret has come through"
! grep -rq "$canary" "$AUDIT" || fail "a secret is in the buffer"
audit_whole
