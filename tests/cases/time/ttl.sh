#!/bin/bash
# ttl and expires: what may be written, what it means, and that bad input changes nothing.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

# near EXPECTED ACTUAL: seconds, a few have passed.
near()
{
	[ "$2" -le "$1" ] && [ "$2" -ge $(($1 - 15)) ] || fail "expected about $1 s, got $2"
}

mount_weavers
mkdir "$MNT/a"
near $((4 * 3600)) "$(cat "$MNT/a/ttl")"
while read -r text seconds; do
	echo "$text" >"$MNT/a/ttl"
	near "$seconds" "$(cat "$MNT/a/ttl")"
done <<END
3600 3600
90m 5400
8h 28800
1d 86400
1h30m 5400
+1h 9000
-30m 7200
END
before=$(cat "$MNT/a/expires")
for bad in 0 -3h x 1x '' '1h 2h' 12:00 1e3; do
	assert_errno 'Invalid argument' bash -c 'echo "$1" >"$2"' - "$bad" "$MNT/a/ttl"
done
assert_errno 'result' bash -c 'echo 49h >"$1"' - "$MNT/a/ttl" # ERANGE
assert_errno 'result' bash -c 'echo +1w >"$1"' - "$MNT/a/ttl"
assert_errno 'Invalid argument' bash -c 'echo yesterday >"$1"' - "$MNT/a/expires"
assert_errno 'Invalid argument' bash -c 'echo 2001-01-01T00:00:00Z >"$1"' - "$MNT/a/expires"
assert_errno 'result' bash -c 'echo 2199-01-01T00:00:00Z >"$1"' - "$MNT/a/expires"
assert_eq "$before" "$(cat "$MNT/a/expires")" "expires after bad input"

at=$(date -u -d '+3 hours +10 seconds' +%Y-%m-%dT%H:%M:%SZ)
echo "$at" >"$MNT/a/expires"
assert_eq "$at" "$(cat "$MNT/a/expires")"
annotations=$(k get pod "$(cat "$MNT/a/pod")" -o 'jsonpath={.metadata.annotations}')
assert_eq "$at" "$(jq -r '."loom.dev/expires-at"' <<<"$annotations")"
assert_eq 4 "$(jq -r '."loom.dev/lifetime-hours"' <<<"$annotations")" "rounded up, for Loom's own cleaner"
assert_match 'write.a/ttl.ERANGE' "$(tr '\t' . <"$MNT/.weaverfs/errors")"
remount
assert_eq "$at" "$(cat "$MNT/a/expires")"
