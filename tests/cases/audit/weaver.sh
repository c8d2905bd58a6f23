#!/bin/bash
# Weavers with their audit sidecars: idle ones give no escape; of two that do one of everything at once each trail has all of its own deeds and no other; metrics; verify.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_needs

# load NAME: audit-load in it, from a file system of its image.
load()
{
	"$MNT/$1/sh" -c 'cat >/tmp/audit-load && chmod +x /tmp/audit-load && cd /tmp && ./audit-load' \
		<"$O/audit-load" >"$W/$1.load"
}

# shellcheck disable=SC2119
mount_weavers "$(audit_options),audit_filter_rate_limit=4321"
audited_weaver a b
assert_eq 4321 "$(jq 'select(.event_type == "audit_start") | .details.rate_limit' "$MNT/a/audit")" "records a second"
for w in a b; do
	assert_eq 0 "$(jq -r 'select(.event_type == "sandbox_escape")' "$MNT/$w/audit" | wc -l)" "escapes of the idle $w"
	assert_eq 1 "$(jq -r 'select(.event_type == "process_exec" and .ns_pid == 1) | .details.argv[0]' "$MNT/$w/audit" |
		head -n 1 | wc -l)" "its main process"
	assert_eq "$(cat "$MNT/$w/id")" "$(jq -r .weaver_id "$MNT/$w/audit" | sort -u)"
	cat "$MNT/$w/metrics" >"$W/$w.before"
done
load a &
other=$!
load b
wait "$other"
sleep 2.1 # an answer is good for 2 s
for w in a b; do
	cat "$MNT/$w/metrics" >"$W/$w.after"
	"$LIB/../audit/trail-compare" "$W/$w.load" "$MNT/$w/audit" "$W/$w.before" "$W/$w.after" >"$W/said" ||
		{ cat "$W/said" >&2; fail "$w: what was recorded is not what was done"; }
	weaver audit verify "$MNT/$w/audit" >"$W/said" || fail "$(cat "$W/said")"
done
cd "$MNT"
weaver audit a --type sandbox_escape >"$W/said"
assert_match ' sandbox_escape .*"syscall"' "$(head -n 1 "$W/said")"
cd "$W"
