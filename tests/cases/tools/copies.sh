#!/bin/bash
# Programs that copy a weaver away: cp, rsync and tar give the contents; df and du end.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
wait_for 30 status_is a running
wait_for 10 grep -q ready "$MNT/a/logs"
mkdir "$W/cp" "$W/rsync"
# usage has nothing to say where there is no metrics server, the others without an audit sidecar,
# and cp says so; the rest is there.
cp -r "$MNT/a" "$W/cp/" 2>"$W/said" || assert_eq 3 "$(grep -cE "(usage|audit|metrics).*No data available" "$W/said")" "what cp says"
rsync -a "$MNT/a/" "$W/rsync/" 2>/dev/null || true
for to in "$W/cp/a" "$W/rsync"; do
	for f in status id pod image logs created; do
		cmp "$MNT/a/$f" "$to/$f"
	done
done
# A file that is fetched when opened has size 0: cp reads to the end, rsync believes the size.
assert_eq "$(cat "$MNT/a/id")" "$(jq -r '.metadata.labels["loom.dev/weaver-id"]' "$W/cp/a/pod.json")" "cp of pod.json"
assert_eq 0 "$(stat -c %s "$W/rsync/pod.json")" "rsync of pod.json"
cp "$MNT/a/status" "$W/one"
assert_eq running "$(cat "$W/one")"
df "$MNT" >/dev/null
df -i "$MNT" >/dev/null
assert_eq fuseblk "$(stat -f -c %T "$MNT")"
assert_errno 'Operation not permitted' cp "$W/one" "$MNT/a/other"
assert_errno 'Permission denied' cp "$W/one" "$MNT/a/status"
assert_errno 'Operation not permitted' mv "$W/one" "$MNT/a/other"
