#!/bin/bash
# A command whose reader has gone is ended in the weaver: the client killed, its output closed, its
# terminal gone, exec closed, weaverfs ended; and nothing of it is left in weaverfs.
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
. "$LIB/case.sh"
. "$LIB/into.sh"

mount_weavers
running_weaver a
sh=$MNT/a/sh
"$sh" -c true
before=$(descriptors "${weaverfs_pids[$MNT]}")

"$sh" -c 'sleep 801 & sleep 802; sleep 803' &
client=$!
wait_for 20 some_in_weaver a 'sleep 802'
end_by_force "$client"
wait_for 20 none_in_weaver a 'sleep 80[0-9]'

# one that does not want to
"$sh" -c 'trap "" TERM; while :; do sleep 811; done' &
client=$!
wait_for 20 some_in_weaver a 'sleep 811'
end_by_force "$client"
wait_for 20 none_in_weaver a 'sleep 811'

assert_eq tail821 "$( ("$sh" -c 'yes tail821' 2>/dev/null || true) | head -n 1)"
wait_for 20 none_in_weaver a 'yes tail821'

# its terminal is gone
t new-session -d "$sh"
types 'sleep 831' Enter
wait_for 20 some_in_weaver a 'sleep 831'
t_end
wait_for 20 none_in_weaver a 'sleep 831'

# SIGTERM and SIGINT to the client: its own status, as of any program
"$sh" -c 'exec sleep 841' &
client=$!
wait_for 20 some_in_weaver a 'sleep 841'
kill -TERM "$client"
status=0
wait "$client" 2>/dev/null || status=$?
assert_eq 143 "$status"
wait_for 20 none_in_weaver a 'sleep 841'

# all of it is given back
same_descriptors()
{
	[ "$(descriptors "${weaverfs_pids[$MNT]}")" -le "$before" ]
}
wait_for 20 same_descriptors

# weaverfs itself ends
"$sh" -c 'exec sleep 851' 2>err &
client=$!
wait_for 20 some_in_weaver a 'sleep 851'
pid=${weaverfs_pids[$MNT]}
kill -TERM "$pid"
weavers_ended
status=0
wait "$client" || status=$?
assert_eq 255 "$status" "weaverfs has ended"
assert_eq "weaver: weaverfs has ended" "$(cat err)"
mount_weavers
wait_for 20 none_in_weaver a 'sleep 851'

# and by force: the client says so
"$sh" -c 'exec sleep 861' 2>err &
client=$!
wait_for 20 some_in_weaver a 'sleep 861'
kill_weavers
status=0
wait "$client" || status=$?
assert_eq 255 "$status" "weaverfs was killed"
assert_eq "weaver: the connection to weaverfs was lost" "$(cat err)"
mount_weavers
