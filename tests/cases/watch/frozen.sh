#!/bin/bash
# An API server that hangs for 20 s and goes on: the tree stays, says so, and is right again soon after.
# SPDX-License-Identifier: Apache-2.0
# tier: all
. "$LIB/case.sh"
. "$LIB/watching.sh"

mount_weavers
for name in a b c; do
	pod "$name"
done
wait_for 5 same
cluster_freeze
end=$((SECONDS + 20))
while [ "$SECONDS" -lt "$end" ]; do
	start=${EPOCHREALTIME/./}
	assert_eq $'a\nb\nc' "$(ls "$MNT" | sort)"
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$took" -lt 1000 ] || fail "ls took $took ms"
	sleep 0.5
done
cluster_thaw
pod_delete a
wait_for 10 same
assert_eq $'b\nc' "$(ls "$MNT" | sort)"
wait_for 10 healthy
pod d
wait_for 5 test -d "$MNT/d"
