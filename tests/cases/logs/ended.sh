#!/bin/bash
# The log of a container that has ended is there to its last byte, also without a newline at its end.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
make_pod a 'echo one; printf two; exit 7'
wait_for 30 status_is a failed
assert_eq 7 "$(cat "$MNT/a/exit_code")"
assert_match '^Error: ' "$(head -n 1 "$MNT/a/reason")"
assert_eq $'one\ntwo' "$(cat "$MNT/a/logs")"
assert_eq 7 "$(wc -c <"$MNT/a/logs")"
make_pod b 'true'
wait_for 30 status_is b succeeded
assert_eq 0 "$(cat "$MNT/b/exit_code")"
assert_eq "" "$(cat "$MNT/b/logs")"
