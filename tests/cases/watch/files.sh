#!/bin/bash
# A file is modified for who watches when its content is another; what a user writes is seen once.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/watch.sh"

saw()
{
	[ "$(sort "$W/seen")" = "$(printf '%s\n' "$@" | sort)" ]
}

mount_weavers
pending_pod a | k create -f - >/dev/null
wait_for 5 test -d "$MNT/a"
pod=$(pod_of a)
watch "$W/seen" "$MNT/a"
before=$(stat -c %Y "$MNT/a")
sleep 1

k annotate pod "$pod" loom.dev/hold=1 >/dev/null
wait_for 5 saw "MODIFY $MNT/a/hold"
[ "$(stat -c %Y "$MNT/a")" -gt "$before" ] || fail "its time did not move"
assert_eq 1 "$(cat "$MNT/a/hold")"

# Nothing in it has another content: no event.
k annotate pod "$pod" example.org/other=1 >/dev/null
: >"$W/seen"
k annotate pod "$pod" loom.dev/expires-at="$(date -u -d '+90 minutes' +%FT%TZ)" >/dev/null
wait_for 5 saw "MODIFY $MNT/a/expires" "MODIFY $MNT/a/ttl"

# A write is the writer's event; what else it changed is ours. The shell's > truncates and writes.
: >"$W/seen"
printf '2h\n' | dd of="$MNT/a/ttl" conv=notrunc status=none
wait_for 5 saw "MODIFY $MNT/a/expires" "MODIFY $MNT/a/ttl"
: >"$W/seen"
expect_fail dd of="$MNT/a/ttl" conv=notrunc status=none <<<never
printf '0\n' | dd of="$MNT/a/hold" conv=notrunc status=none
wait_for 5 saw "MODIFY $MNT/a/hold"

# The log, while somebody reads it.
make_pod talks 'i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done; sleep 60'
wait_for 20 status_is talks running
watch "$W/log" "$MNT/talks/logs"
wait_for 10 grep -qx 1999 "$MNT/talks/logs"
modified()
{
	grep -q MODIFY "$W/log"
}
tail -f "$MNT/talks/logs" >/dev/null &
reader=$!
wait_for 5 modified
kill "$reader"
assert_eq 0 "$(missed)"
watch_end
