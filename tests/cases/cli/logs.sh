#!/bin/bash
# weaver logs gives every byte, the last lines, what comes until the end, and that of one that is gone.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/cli.sh"

mount_weavers
make_pod a 'seq 20000; sleep 2; seq 20001 20010; printf "no newline"'
wait_for 60 status_is a running
timeout 60 weaver logs -f a >"$W/followed" &
follow=$!
timeout 60 weaver logs -f --tail 0 a >"$W/new" &
new=$!
wait_for 60 status_is a succeeded
wait "$follow"
wait "$new"
{ seq 20010; printf 'no newline'; } >"$W/expected"
cmp "$W/expected" "$W/followed"
tail -n 1 "$W/new" | cmp - <(printf 'no newline')
runs 0 weaver logs a
cmp "$W/expected" "$W/run.out"
for n in 0 1 2 12 5000 20010 20011 30000; do
	weaver logs -n $n a | cmp - <(tail -n $n "$W/expected") || fail "--tail $n"
done
weaver logs --tail=all a | cmp - "$W/expected"
runs 2 weaver logs -n many a
runs 2 weaver logs
runs 1 weaver logs nobody
rmdir "$MNT/a"
wait_for 20 sh -c "[ \"\$(cat '$MNT'/.archive/a~*/status)\" = succeeded ]"
weaver logs -f a | cmp - "$W/expected" || fail "of one that is gone"
# Whoever closes the pipe early ends it.
make_pod b 'while :; do echo again; sleep 0.1; done'
wait_for 60 status_is b running
assert_eq again "$({ timeout 30 weaver logs -f b || [ $? = 141 ]; } | head -n 1)"
