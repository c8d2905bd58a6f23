#!/bin/bash
# Events that come twice do no harm, lost and swapped ones are made good by the next list.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/watching.sh"

pods_watch='"verb":"watch","path":"*/pods*"'
kubesim_faults "{\"rules\":[{$watch_ends}]}"
pod a
mount_weavers
wait_for 5 test -d "$MNT/a"
watches_misbehave '"events":"duplicate","events_count":9,"count":3'
tree_follows 10

# next_watch RULE-MEMBERS: it ends after two events, the one after it with a 410.
next_watch()
{
	kubesim_faults "{\"rules\":[{$pods_watch,\"count\":1,\"end_after_events\":2,$1},
		{$pods_watch,\"count\":1,\"error\":410},{$watch_ends}]}"
	k label pod -l loom.dev/name=a n=$((++changes)) --overwrite >/dev/null
	wait_for 5 met 1
}

next_watch '"events":"drop","events_count":1'
pod lost
pod last # ends this watch
wait_for 10 test -d "$MNT/lost"
wait_for 10 same
next_watch '"events":"drop","events_count":1'
pod_delete lost
pod_delete last
wait_for 10 same
next_watch '"events":"reorder","events_count":2'
pod ghost
pod_delete ghost # is seen before it was made
wait_for 10 same
! [ -e "$MNT/ghost" ] || fail "a pod that is gone has come back"
