#!/bin/bash
# What /metrics says is valid for promtool, which finds nothing to complain of.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
. "$LIB/promtool.sh"
promtool_needs
audit_pod

audit_ready LOOM_SERVER_URL=http://127.0.0.1:8080 LOOM_AUDIT_ALLOW_INSECURE_HTTP=1
in_container weaver /bin/true
audit_get 9090 /metrics >"$W/metrics"
audit_stop
promtool_check <"$W/metrics"
for name in events_captured_total events_sent_total events_dropped_total events_buffered_total batches_sent_total \
	batch_events batch_size_bytes pipeline_events_in_flight buffer_events buffer_bytes \
	buffer_oldest_event_age_seconds ebpf_programs_attached ebpf_ring_buffer_dropped_events_total \
	ebpf_ring_buffer_utilization_ratio http_requests_total http_request_duration_seconds http_retries_total; do
	grep -q "^# TYPE loom_weaver_audit_$name " "$W/metrics" || fail "$name is missing"
done
