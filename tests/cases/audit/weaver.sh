#!/bin/bash
# Weavers with their audit sidecars: idle ones give no escape; of two that do one of everything at once (by sh, kubectl exec, unshare) each trail has its own deeds and no other; metrics; verify.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_needs

# loads NAME: audit-load in it, from a file system of its image: by its sh, by kubectl exec, and there in
# namespaces of its own, where that may be.
loads()
{
	local command='cd /tmp && exec ./audit-load'
	local alone='cd /tmp && exec unshare --user --mount --pid -f ./audit-load'
	"$MNT/$1/sh" -c "cat >/tmp/audit-load && chmod +x /tmp/audit-load && $command" <"$O/audit-load" >"$W/$1.loads"
	k exec "$(cat "$MNT/$1/pod")" -c weaver -- sh -c "$command" >>"$W/$1.loads"
	k exec "$(cat "$MNT/$1/pod")" -c weaver -- sh -c "$alone" >>"$W/$1.loads" 2>"$W/$1.refused" ||
		grep -q 'not permitted' "$W/$1.refused"
}

# The neighbour b may make namespaces, a is as weavers are: on a cluster that has seccomp it is refused.
cat >patch.yaml <<END
spec:
  containers:
  - name: weaver
    securityContext: {seccompProfile: {type: Unconfined}}
END
options="$(audit_options),audit_filter_rate_limit=4321"
[ "$TEST_CLUSTER" != real ] || k label namespace "$NS" loom.dev/weavers- >/dev/null # the policy forbids it
mount_weavers "$options,pod_patch=$W/patch.yaml,audit_metrics_port=9190" # its metrics are there for any mount
audited_weaver b
umount_weavers
mount_weavers "$options"
audited_weaver a
assert_eq 4321 "$(jq 'select(.event_type == "audit_start") | .details.rate_limit' "$MNT/a/audit")" "records a second"
for w in a b; do
	assert_eq 0 "$(jq -r 'select(.event_type == "sandbox_escape")' "$MNT/$w/audit" | wc -l)" "escapes of the idle $w"
	assert_eq 1 "$(jq -r 'select(.event_type == "process_exec" and .ns_pid == 1) | .details.argv[0]' "$MNT/$w/audit" |
		head -n 1 | wc -l)" "its main process"
	assert_eq "$(cat "$MNT/$w/id")" "$(jq -r .weaver_id "$MNT/$w/audit" | sort -u)"
	cat "$MNT/$w/metrics" >"$W/$w.before"
done
loads a &
other=$!
loads b
wait "$other"
assert_eq 3 "$(wc -l <b.loads)" "loads of b: $(cat b.refused)"
[ -s a.refused ] || assert_eq 3 "$(wc -l <a.loads)" "loads of a"
if [ "$TEST_CLUSTER" = real ]; then
	assert_match 'not permitted' "$(cat a.refused)" "a made namespaces"
	audit_has a '.event_type == "sandbox_escape" and .details.syscall == "unshare" and .details.result == "EPERM"'
fi
sleep 2.1 # an answer is good for 2 s
for w in a b; do
	cat "$MNT/$w/metrics" >"$W/$w.after"
	"$LIB/../audit/trail-compare" "$W/$w.loads" "$MNT/$w/audit" "$W/$w.before" "$W/$w.after" >"$W/said" ||
		{ cat "$W/said" >&2; fail "$w: what was recorded is not what was done"; }
	weaver audit verify "$MNT/$w/audit" >"$W/said" || fail "$(cat "$W/said")"
done
cd "$MNT"
weaver audit a --type sandbox_escape >"$W/said"
assert_match ' sandbox_escape .*"syscall"' "$(head -n 1 "$W/said")"
cd "$W"
