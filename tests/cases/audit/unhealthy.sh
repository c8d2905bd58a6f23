#!/bin/bash
# Where nothing can be recorded (no BTF, no capability, no pod, no buffer) health is 503 and says why.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

# answers STATUS: the sidecar answers on its health port with it.
answers()
{
	[ "$(in_pod curl -s -o "$W/health" -w '%{http_code}' http://127.0.0.1:9091/health)" = "$1" ]
}

# is_unhealthy REASON COMMAND...: what the sidecar says that is started so.
is_unhealthy()
{
	local reason=$1
	shift
	"$@" >"$W/stdout" 2>"$W/sidecar.log" &
	AUDIT_PID=$!
	wait_for 10 answers 503
	wait_for 10 grep -q "$reason" "$W/sidecar.log"
	wait_for 10 eval 'answers 503 && grep -q "$reason" "$W/health"'
	assert_eq unhealthy "$(jq -r .status "$W/health")"
	assert_eq "" "$(cat "$W/stdout")" "records of nothing"
	kill -TERM "$AUDIT_PID"
	wait "$AUDIT_PID" || fail "the sidecar ended with $?"
}

sidecar=(env "LOOM_AUDIT_BUFFER_PATH=$AUDIT" "$O/audit-sidecar")
privileged=(setpriv --bounding-set=-all,+bpf,+perfmon)
is_unhealthy "CONFIG_DEBUG_INFO_BTF" become_in_container sidecar unshare --mount \
	sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - "${privileged[@]}" "${sidecar[@]}"
is_unhealthy "capabilities BPF and PERFMON" become_in_container sidecar setpriv --bounding-set=-all "${sidecar[@]}"
is_unhealthy "none of our cgroups is a pod's" become_in_pod "${privileged[@]}" "${sidecar[@]}"
chown 1000 "$AUDIT"
chmod 700 "$AUDIT"
is_unhealthy "$AUDIT.*Permission denied" become_in_container sidecar "${privileged[@]}" "${sidecar[@]}"

# What hinders it may go away: it goes on trying.
become_in_container sidecar "${privileged[@]}" "${sidecar[@]}" >"$W/stdout" 2>"$W/sidecar.log" &
AUDIT_PID=$!
wait_for 10 answers 503
chown 0 "$AUDIT"
wait_for 20 answers 200
assert_eq healthy "$(jq -r .status "$W/health")"
audit_stop
audit_whole
