#!/bin/bash
# weaver wait waits for several at once and gives their codes; 124 after its time, 1 for what cannot be.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/cli.sh"

mount_weavers
make_pod a 'sleep 2; exit 7'
make_pod b 'sleep 1000'
runs 0 weaver wait a b --for=running
assert_eq $'a running\nb running' "$(sort <<<"$out")"
runs 0 weaver wait a
assert_eq 7 "$out"
runs 0 weaver wait a --for finished --timeout 5s
assert_eq 7 "$out"
runs 124 weaver wait b --timeout 1s
assert_match 'b: not done in time' "$err"
runs 124 weaver wait -t 1 a b
assert_eq 'a 7' "$out"
runs 1 weaver wait a nobody
assert_eq 'a 7' "$out"
assert_match 'nobody: no such weaver' "$err"
weaver wait b --for gone >"$W/gone" &
gone=$!
weaver wait b >"$W/done" 2>"$W/done.err" && echo 0 >"$W/done.status" || echo $? >"$W/done.status" &
finished=$!
sleep 0.3
rmdir "$MNT/b"
wait "$gone"
assert_match '^(running|failed)$' "$(cat "$W/gone")"
wait "$finished"
assert_match '^(0|1)$' "$(cat "$W/done.status")"
runs 2 weaver wait --for never a
runs 2 weaver wait a --timeout soon
runs 2 weaver wait
