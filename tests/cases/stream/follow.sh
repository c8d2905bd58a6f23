#!/bin/bash
# follow/logs, events and .weaverfs/follow/events: what there is, what comes, and EOF at the end.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

events()
{
	jq -r 'select(.name == "a") | .event' "$W/mount" | xargs
}

events_are()
{
	[ "$(events)" = "$*" ]
}

opened()
{
	[ -n "$(find /proc/[0-9]*/fd -lname "$1" 2>/dev/null || true)" ]
}

mount_weavers
cat "$MNT/.weaverfs/follow/events" >"$W/mount" 2>/dev/null &
mount=$!
setpriv --reuid 2001 --regid 2001 --clear-groups \
	cat "$MNT/.weaverfs/follow/events" >"$W/stranger" 2>/dev/null &
stranger=$!
wait_for 10 opened "$MNT/.weaverfs/follow/events"
as 2001:2001 mkdir "$MNT/mine"
make_pod a 'for i in $(seq 20); do echo "line $i"; sleep 0.1; done; sleep 1; printf end; exit 5'
timeout 60 cat "$MNT/a/follow/logs" >"$W/log" &
log=$!
timeout 60 cat "$MNT/a/follow/events" >"$W/events" &
events=$!
wait_for 30 status_is a failed
wait "$log"
assert_eq "$(seq -f 'line %g' 20; printf end)" "$(cat "$W/log")" "follow/logs"
assert_eq "$(cat "$W/log")" "$(timeout 10 cat "$MNT/a/follow/logs")" "after its end"
# Another one's pod belongs to the mount's owner; nobody else sees it in the stream.
wait_for 10 events_are weaver.created weaver.running weaver.failed
process_runs "$events" || fail "follow/events has ended"
echo 5m >"$MNT/a/ttl"
wait_for 10 events_are weaver.created weaver.running weaver.failed weaver.expiring
rmdir "$MNT/a"
wait "$events"
assert_eq "$(sort "$W/events" | uniq | wc -l)" "$(wc -l <"$W/events")" "each event once"
grep -q '	Started	' "$W/events" || fail "no event Started: $(cat "$W/events")"
wait_for 10 events_are weaver.created weaver.running weaver.failed weaver.expiring weaver.deleted
reason=$(jq -r 'select(.event == "weaver.failed") | .reason' "$W/mount")
assert_match '^Error' "$reason"
assert_eq "" "$(jq -r 'select(.name != "mine")' "$W/stranger")" "what a stranger sees"
grep -q weaver.created "$W/stranger" || fail "its own weaver is not told"
process_runs "$stranger" || fail "the stream has ended"

echo 2 >"$MNT/mine/ttl"
expired()
{
	[ "$(jq -r 'select(.name == "mine") | .event' "$W/stranger" | tail -n 1)" = weaver.expired ]
}
wait_for 30 expired

# Nothing that walks the tree meets a stream.
mkdir "$MNT/c"
# (usage has no data here, and grep says so.)
for walk in 'grep -rqs surely-nowhere' 'find -L'; do
	status=0
	timeout 60 $walk "$MNT/c" "$MNT/.weaverfs" >/dev/null 2>&1 || status=$?
	[ "$status" -lt 124 ] || fail "$walk did not end: $status"
done
status=0
timeout 60 find "$MNT" -type f -exec cat {} + >/dev/null 2>&1 || status=$?
[ "$status" -lt 124 ] || fail "find -exec cat did not end: $status"
kill "$stranger" "$mount"
wait "$stranger" "$mount" || true
