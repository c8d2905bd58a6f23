#!/bin/bash
# .weaverfs: every file is there, says what it should, and is read-only.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers default_ttl_hours=2
cd "$MNT/.weaverfs"
assert_eq "config defaults errors health help metrics new reap version weavers" "$(ls | xargs)"
assert_eq "$("$WEAVERFS" --version | awk '{print $NF}')" "$(awk '{print $NF}' version)"
assert_match 'default_ttl_hours=2  # option' "$(cat config)"
assert_match 'max_ttl_hours=48  # default' "$(cat config)"
assert_eq ok "$(head -n 1 health)"
for key in server namespace latency_ms watch last_event_age_s weavers clock_skew_ms; do
	grep -q "^$key=" health || fail "health lacks $key"
done
assert_eq "namespace=$NS" "$(grep ^namespace= health)"
assert_eq "No weavers running" "$(cat weavers)"
assert_eq "" "$(cat errors)"
for word in status ttl logs mkdir rmdir; do
	grep -q "$word" help || fail "help lacks $word"
done
grep -q '^loom_weavers_active 0$' metrics
grep -q '^# TYPE loom_weavers_created_total counter$' metrics
assert_eq "args branch command cpu env hold image memory repo secrets tags ttl workdir" "$(ls defaults | xargs)"
assert_eq "$TEST_IMAGE" "$(cat defaults/image)"
assert_eq 7200 "$(cat defaults/ttl)"
assert_errno 'Permission denied' bash -c 'echo x >health'
assert_errno 'Operation not permitted' mkdir x
cd "$W"
mkdir "$MNT/a"
assert_match '^ID +IMAGE +STATUS +AGE +TTL' "$(head -n 1 "$MNT/.weaverfs/weavers")"
assert_eq 96 "$(sed -n 2p "$MNT/.weaverfs/weavers" | tr -d '\n' | wc -c)"
assert_match ' (pending|running) +0\.0h +2h' "$(sed -n 3p "$MNT/.weaverfs/weavers")"
(umask 0 && as 2001:2001 mkdir -m 700 "$MNT/b")
assert_eq 2 "$(sed 1,2d "$MNT/.weaverfs/weavers" | wc -l)" "root sees all"
assert_eq 1 "$(as 2001:2001 cat "$MNT/.weaverfs/weavers" | sed 1,2d | wc -l)" "a user sees its own"
expect_fail as 2001:2001 mkdir "$MNT/B"
assert_eq 1 "$(as 2001:2001 cat "$MNT/.weaverfs/errors" | wc -l)"
assert_eq "" "$(as 2009:2009 cat "$MNT/.weaverfs/errors")"
assert_match 'loom_weavers_created_total 2' "$(cat "$MNT/.weaverfs/metrics")"
