#!/bin/bash
# A trail goes on at its cursor when its sidecar, weaverfs or the connection is lost: whole, with an audit_gap for the blind time; the archive has it to its end, however the weaver ended.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/audit.sh"

# does NAME WORD: something that can be found again in the trail.
does()
{
	wait_for 20 "$MNT/$1/sh" -c "true $2"
	wait_for 20 audit_has "$1" ".event_type == \"process_exec\" and .details.argv[-1] == \"true $2\""
}

whole()
{
	weaver audit verify "$1" >"$W/said" || fail "$1: $(cat "$W/said")"
}

new_sidecar()
{
	[ "$(sidecar_pid a)" != "$old" ] && audit_has a '.event_type == "audit_gap"'
}

mount_weavers "$(audit_options)"
audited_weaver a b
# follows FILE: until weaverfs is lost, or the weaver.
follows()
{
	timeout 200 cat "$MNT/a/follow/audit" >"$1" 2>"$W/lost" &
	follower=$!
	wait_for 20 test -s "$1"
}

follows first
does a first
size=$(stat -c %s "$MNT/a/audit")

# its sidecar
old=$(sidecar_pid a)
kill -KILL "$old"
wait_for 90 new_sidecar
does a second
assert_eq 0 "$(cat "$MNT/a/exit_code" | wc -c)" "the weaver runs on"
[ "$(stat -c %s "$MNT/a/audit")" -gt "$size" ] || fail "the file has become shorter"
assert_eq 2 "$(jq -c 'select(.event_type == "audit_start")' "$MNT/a/audit" | wc -l)" "runs of the sidecar"
assert_eq killed "$(jq -r 'select(.event_type == "audit_gap") | .details.reason' "$MNT/a/audit")"
whole "$MNT/a/audit"

# weaverfs; nothing reads in between
before=$(sha256sum <"$MNT/a/audit" | cut -c 1-64) size=$(stat -c %s "$MNT/a/audit")
kill_weavers
mount_weavers "${weaverfs_options[$MNT]}"
does a third
assert_eq "$before" "$(head -c "$size" "$MNT/a/audit" | sha256sum | cut -c 1-64)" "what there was"
whole "$MNT/a/audit"
whole first

# The ends: rmdir, and by itself.
follows second
rmdir "$MNT/a"
wait "$follower" || fail "follow/audit did not end: $(cat "$W/lost")"
whole second
echo exit >"$MNT/b/stdin"
over()
{
	[ "$(cat "$MNT/.archive/$1~"*/status)" = "$2" ]
}
wait_for 60 over a failed
wait_for 60 grep -qE 'succeeded|failed' "$MNT/b/status"
audit_ended()
{
	tail -n 1 "$MNT/b/audit" | jq -e 'select(.event_type == "audit_batch") | .details.end'
}
wait_for 30 audit_ended
rmdir "$MNT/b"
wait_for 60 test -e "$MNT/.archive/b~"*
for w in a b; do
	whole "$MNT/.archive/$w~"*/audit
	assert_eq true "$(tail -n 1 "$MNT/.archive/$w~"*/audit | jq .details.end)" "the last word of $w"
done
grep -q '"true first"' "$MNT/.archive/a~"*/audit
cmp second "$MNT/.archive/a~"*/audit
