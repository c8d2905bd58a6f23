#!/bin/bash
# A running weaver that kubectl or the reaper deletes is followed to its last line, too.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

archived()
{
	status=$(cat "$MNT/.archive/$1~"*/status) && [ "$status" != terminating ]
}

check_log()
{
	wait_for 30 archived "$1"
	cp "$MNT/.archive/$1~"*/logs "$W/$1.log"
	assert_eq "last" "$(tail -n 1 "$W/$1.log")" "last line of $1"
	n=$(grep -c '^line ' "$W/$1.log")
	assert_eq "$(seq "$n" | sed 's/^/line /')" "$(grep '^line ' "$W/$1.log")"
}

slow_end='trap "n=10" TERM; i=0; n=100000
	while [ $n -gt 0 ]; do n=$((n - 1)); i=$((i + 1)); echo line $i; sleep 0.1; done; echo last'

mount_weavers cleanup_interval_secs=3600
make_pod deleted "$slow_end"
make_pod expired "$slow_end"
wait_for 30 has_printed deleted 'line 1'
wait_for 30 has_printed expired 'line 1'
k delete pod "$(cat "$MNT/deleted/pod")" --wait=false >/dev/null
echo 1 >"$MNT/expired/ttl"
check_log deleted
assert_eq cluster "$(cat "$MNT"/.archive/deleted~*/deleted_by)"
check_log expired
assert_eq ttl "$(cat "$MNT"/.archive/expired~*/deleted_by)"

# What never ran has an entry, and no log.
make_pod_json unplaced "$(cat /proc/sys/kernel/random/uuid)" true \
	'{"nodeSelector": {"nowhere": "at-all"}}' | k create -f - >/dev/null
wait_for 5 test -d "$MNT/unplaced"
rmdir "$MNT/unplaced"
wait_for 20 archived unplaced
assert_eq pending "$(cat "$MNT"/.archive/unplaced~*/status)"
assert_eq "" "$(cat "$MNT"/.archive/unplaced~*/logs)"
assert_eq "" "$(cat "$MNT"/.archive/unplaced~*/exit_code)"
