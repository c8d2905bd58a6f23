#!/bin/bash
# SIGTERM unmounts cleanly with files open and a cwd inside; the weavers stay.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a"
exec 3<"$MNT/a/status" 4<"$MNT/a/logs"
cd "$MNT/a"
sleep 100 &
sleeper=$!
cd "$W"
kill -TERM "${weaverfs_pids[$MNT]}"
weavers_ended
expect_fail mountpoint -q "$MNT"
kill "$sleeper"
exec 3<&- 4<&-
wait "$sleeper" || true
assert_eq a "$(pods)"
mount_weavers
assert_eq a "$(ls "$MNT")"
