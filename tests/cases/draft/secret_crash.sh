#!/bin/bash
# kill -9 between a draft's pod and its Secret: the pod never runs, and the next start deletes it.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

pod_there()
{
	[ "$(pods)" = a ]
}

none()
{
	[ -z "$(k get pods,secrets -l loom.dev/managed=true -o name)" ]
}

mount_weavers create_timeout_ms=20000
mkdir "$MNT/.drafts/a"
printf '%s\n' sh -c 'echo ran; exec sleep 1000' >"$MNT/.drafts/a/args"
echo TOKEN=x >"$MNT/.drafts/a/secrets"
kubesim_faults '{"rules": [{"verb": "create", "path": "*/secrets*", "delay_ms": 8000}]}'
mv "$MNT/.drafts/a" "$MNT/a" 2>"$W/said" &
mv=$!
wait_for 10 pod_there
assert_eq "" "$(k get secrets -l loom.dev/managed=true -o name)" "the Secret is not there yet"
pod=$(k get pods -l loom.dev/managed=true -o name)
kill_weavers
expect_fail wait "$mv"
grep -q 'not connected\|aborted' "$W/said" || fail "mv said: $(cat "$W/said")"
kubesim_faults '{"rules": []}'

# Elsewhere it is a weaver that waits for its Secret, says so, and expires like any other.
waits()
{
	grep -q "^CreateContainerConfigError: .*secret.*not found" "$MNT/a/reason"
}
MNT=$W/other mount_weavers "state_dir=$W/elsewhere"
MNT=$W/other wait_for 20 waits
assert_eq pending "$(cat "$W/other/a/status")"
[ "$(cat "$W/other/a/ttl")" -gt 0 ] || fail "it does not expire"

# Here it is the remains of a mv that has failed.
remount
assert_eq "" "$(ls "$MNT")"
wait_for 10 none
assert_match "ECANCELED.pod ${pod#pod/} of a mkdir that had failed appeared and was deleted" \
	"$(cat "$MNT/.weaverfs/errors")"
assert_eq "" "$(ls "$W/other")"

# The Secret's POST may still run, long after: then it has no owner any more, and does not stay.
sleep 8
wait_for 10 none
