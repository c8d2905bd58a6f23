#!/bin/bash
# kill -9 and mounting again, over the stale mount, shows the same weavers, also with one in flight.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

mount_weavers
mkdir "$MNT/a" "$MNT/b"
before=$(cd "$MNT" && stat -c '%n %i %a %u:%g' a b a/id b/ttl && cat a/id b/expires)
for i in 1 2 3 4 5; do
	mkdir "$MNT/flight-$i" 2>>"$W/lost" && echo "flight-$i" >>"$W/made" &
	kill_weavers
	wait "$!" || true
	remount
	assert_eq "$before" "$(cd "$MNT" && stat -c '%n %i %a %u:%g' a b a/id b/ttl && cat a/id b/expires)"
done
# A mkdir that returned 0 is there, one that failed leaves nothing.
touch "$W/made"
as_told()
{
	[ "$({ echo a; echo b; cat "$W/made"; } | sort)" = "$(pods)" ] && [ "$(pods)" = "$(ls "$MNT" | sort)" ]
}
wait_for 20 as_told
