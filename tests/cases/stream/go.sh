#!/bin/bash
# A Go program, which waits by epoll for every file, reads wait/done, and its read deadlines hold.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/go.sh"

gofs_build || skip "needs Go"
mount_weavers
make_pod b 'sleep 2; exit 6'
"$gofs" deadline "$MNT/b/wait/gone" "$MNT/b/wait/done"
assert_eq 6 "$(timeout 60 "$gofs" read "$MNT/b/wait/done")"
assert_eq $'failed\n'"$TEST_IMAGE" "$("$gofs" read "$MNT/b/status" "$MNT/b/image")"

# A stream that has something to say is read at once, up to its end; a deadline there, too.
make_pod c 'echo here; sleep 1000'
wait_for 30 status_is c running
timeout 60 "$gofs" read "$MNT/c/follow/status" >"$W/status" &
reader=$!
wait_for 10 grep -q running "$MNT/c/wait/running"
"$gofs" deadline "$MNT/c/wait/gone"
rmdir "$MNT/c"
wait "$reader"
assert_match '^(pending )?running (terminating )?(failed )?(terminating )?$' "$(tr '\n' ' ' <"$W/status")"
