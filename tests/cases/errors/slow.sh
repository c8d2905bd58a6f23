#!/bin/bash
# A POST that is answered late, or never, fails in time, and its pod is gone when it shows up after all.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

last_error()
{
	tail -n 1 "$MNT/.weaverfs/errors"
}

healthy()
{
	[ "$(head -n 1 "$MNT/.weaverfs/health")" = ok ]
}

only_a()
{
	[ "$(pods)" = a ] && [ "$(ls "$MNT")" = a ] && healthy
}

# fails ERRNO-NAMES RULE: mkdir does, within 3 s, with one of them.
fails()
{
	local start=${EPOCHREALTIME/./} ms
	kubesim_faults "{\"rules\":[{\"verb\":\"create\",\"path\":\"*/pods*\",$2}]}"
	expect_fail mkdir "$MNT/new"
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$ms" -lt 3000 ] || fail "took $ms ms: $2"
	assert_match $'\tmkdir\tnew\t('"$1"$')\t' "$(last_error)"
	kubesim_faults '{"rules":[]}'
	wait_for 15 only_a
}

mount_weavers
mkdir "$MNT/a"
fails ETIMEDOUT '"delay_ms":4000'
fails 'ETIMEDOUT' '"status":504,"reason":"Timeout","message":"request did not complete"'
# The answer is lost, the pod is made: mkdir may learn that from the watch, or else takes it back.
for lost in reset stall; do
	kubesim_faults "{\"rules\":[{\"verb\":\"create\",\"path\":\"*/pods*\",\"${lost}_after\":0}]}"
	made=0
	mkdir "$MNT/new" 2>/dev/null || made=$?
	kubesim_faults '{"rules":[]}'
	wait_for 10 healthy
	[ "$made" != 0 ] || rmdir "$MNT/new"
	wait_for 15 only_a
done
