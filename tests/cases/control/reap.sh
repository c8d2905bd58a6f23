#!/bin/bash
# A write to .weaverfs/reap is a run: it returns when all is deleted, or says why it is not.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

reap=$MNT/.weaverfs/reap
run()
{
	echo now >"$reap"
}

fields()
{
	awk -F '\t' -v kind="$1" '$1 == kind { print $2 }' "$reap" | sort | xargs
}

mount_weavers cleanup_interval_secs=3600
assert_eq "600 0:0" "$(stat -c '%a %u:%g' "$reap")"
assert_errno 'Permission denied' as 2001:2001 cat "$reap"
assert_errno 'Permission denied' as 2001:2001 sh -c "echo now >'$reap'"
run
assert_match $'last-sweep\t20' "$(cat "$reap")"

mkdir "$MNT/a" "$MNT/b" "$MNT/c" "$MNT/stays"
kubesim_faults '{"rules":[{"verb":"delete","status":403,"reason":"Forbidden",
	"message":"User \"weaverfs\" cannot delete resource \"pods\""}]}'
# In one second, so that one run meets them all.
at=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
for name in a b c; do
	echo "$at" >"$MNT/$name/expires"
done
failed()
{
	[ "$(fields failed)" = "a b c" ]
}
wait_for 15 failed
assert_eq "a b c" "$(fields would-delete)"
# Its next try is in some seconds; this one is now.
assert_errno 'Permission denied' run
assert_match $'\twrite\t.weaverfs/reap\tEACCES\t[abc]: User "weaverfs" cannot delete' \
	"$(tail -n 1 "$MNT/.weaverfs/errors")"
kubesim_faults '{"rules":[]}'
run
assert_eq stays "$(ls "$MNT")"
assert_eq stays "$(pods)"
assert_eq "" "$(fields would-delete)"
assert_eq "a b c" "$(fields deleted)"
assert_match 'loom_weavers_cleanup_deleted_total 3' "$(cat "$MNT/.weaverfs/metrics")"

# A slow server: Ctrl-C ends the wait, not the run; SIGTERM of the mount does not wait for it.
echo 1 >"$MNT/stays/ttl"
kubesim_faults '{"rules":[{"verb":"delete","delay_ms":6000}]}'
wait_for 10 grep -q would-delete "$reap"
status=0
timeout -s INT 1 sh -c "echo now >'$reap'" || status=$?
assert_eq 124 "$status" "of the writer that timeout has ended"
sh -c "echo now >'$reap'" 2>/dev/null &
wait_for 5 grep -q request_wait /proc/$!/wchan
start=$SECONDS
kill -TERM "${weaverfs_pids[$MNT]}"
weavers_ended
wait $! || true
[ $((SECONDS - start)) -lt 5 ] || fail "SIGTERM waited for a run of the reaper"
