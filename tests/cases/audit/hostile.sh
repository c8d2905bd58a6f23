#!/bin/bash
# A guest that floods, kills, unshares, mounts over /proc and /sys and fills its disk cannot make the record lie.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/audit.sh"
audit_pod

# a container's view: root in namespaces of its own, with a disk of its own
cat >"$W/guest" <<'GUEST'
mount -t tmpfs -o size=1m none "$1"
cd "$1"
mount -t proc none /proc
"$O/audit-load" --noop before
unshare --mount --uts --ipc --net "$O/audit-load" --noop unshared
unshare --user --map-root-user "$O/audit-load" --noop user-namespace
mount -t tmpfs none /proc
mount -t tmpfs none /sys
"$O/audit-load" --noop blind
dd if=/dev/zero of=full bs=64k || true
echo sees >full.too || true
"$O/audit-load" --noop full
rm full full.too
"$O/audit-load" --flood 40000 &
for i in $(seq 1 300); do "$O/audit-load" --noop "flooded-$i"; done
wait
kill -KILL -1
"$O/audit-load" --noop after
GUEST
mkdir "$W/disk"
audit_ready LOOM_AUDIT_FILTER_RATE_LIMIT=1000 LOOM_AUDIT_STDOUT_BYTES=4096
in_container weaver unshare --pid --mount --fork --kill-child env -i O="$O" PATH=/usr/bin:/bin \
	bash "$W/guest" "$W/disk" >/dev/null 2>&1 || true
in_container weaver "$O/audit-load" --noop at-last
assert_eq healthy "$(audit_health)"
audit_stop
audit_whole

jq -r 'select(.event_type == "process_exec" and .details.argv[1] == "--noop") | .details.argv[2]' "$W/trail" >"$W/seen"
{
	printf '%s\n' before unshared user-namespace blind full
	seq -f 'flooded-%g' 300
	printf '%s\n' after at-last
} >"$W/done"
diff "$W/done" <(grep -v '^[0-9]*$' "$W/seen") >&2 || fail "what was executed is not what the trail has"
# each deed that was to hide it is there by itself
escapes=$(jq -r 'select(.event_type == "sandbox_escape") | .details.syscall' "$W/trail" | sort -u | tr '\n' ' ')
for call in mount unshare; do
	[[ " $escapes" == *" $call "* ]] || fail "no $call among the escapes: $escapes"
done
jq 'select(.event_type == "audit_limit" and .details.state == "stop" and .details.count > 0)' "$W/trail" >"$W/limits"
[ -s "$W/limits" ] || fail "the flood was not limited"
assert_eq 0 "$(jq -s 'map(select(.event_type == "audit_lost" and .details.kind == "process_exec" and .details.stage == "ring")) | length' "$W/trail")" \
	"executions lost"
jq -s 'map(select(.event_type == "audit_lost" and .details.stage == "stdout")) | length' "$W/stdout" | grep -vqx 0 ||
	fail "what stdout left out is not said there"
