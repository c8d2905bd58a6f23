#!/bin/bash
# kill -9 of weaverfs while a weaver terminates: its log ends with its last line, or says that it does not.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

entry_over()
{
	status=$(cat "$MNT/.archive/$1~"*/status) && [ "$status" != terminating ]
}

has_entry()
{
	ls "$MNT/.archive/$1~"*/logs
}

pod_gone()
{
	! k get pod "$1"
}

# Prints on for three seconds after TERM.
slow_end='trap "n=30; echo term" TERM; i=0; n=100000
	while [ $n -gt 0 ]; do n=$((n - 1)); i=$((i + 1)); echo line $i; sleep 0.1; done; echo last $i'

mount_weavers
make_pod a "$slow_end"
make_pod b "$slow_end"
wait_for 30 status_is a running
wait_for 30 status_is b running
wait_for 30 has_printed a 'line 5'
wait_for 30 has_printed b 'line 5'
pod_b=$(cat "$MNT/b/pod")
exec 3<"$MNT/a/logs" # follows already
rmdir "$MNT/a"
sleep 0.7
exec 3<&-
kill_weavers
remount
assert_eq terminating "$(cat "$MNT"/.archive/a~*/status)"
assert_match '^rmdir ' "$(cat "$MNT"/.archive/a~*/deleted_by)"
wait_for 30 entry_over a
cp "$MNT"/.archive/a~*/logs "$W/a.log"
grep -v term "$W/a.log" >"$W/a.lines"
n=$(grep -c '^line ' "$W/a.lines")
assert_eq "$(seq "$n" | sed 's/^/line /'; echo "last $n")" "$(cat "$W/a.lines")"

# Nobody is there when b ends: what was had is there, and a last line says from when on it is not all.
k delete pod "$pod_b" --wait=false >/dev/null
wait_for 10 has_entry b
sleep 0.5
kill_weavers
wait_for 30 pod_gone "$pod_b"
remount
wait_for 10 entry_over b
assert_eq cluster "$(cat "$MNT"/.archive/b~*/deleted_by)"
cp "$MNT"/.archive/b~*/logs "$W/b.log"
assert_match '^\[weaverfs: gap 20[^ ]*Z \.\. 20[^ ]*Z\]$' "$(tail -n 1 "$W/b.log")"
n=$(grep -c '^line ' "$W/b.log")
[ "$n" -ge 5 ] || fail "only $n lines of b"
assert_eq "$(seq "$n" | sed 's/^/line /')" "$(grep '^line ' "$W/b.log")"
if grep -q gap "$W/a.log"; then fail "a gap in the log of a, which was read to its end"; fi
