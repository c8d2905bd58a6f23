#!/bin/bash
# Beside users who make and remove weavers without a pause each change of others is seen, once.
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
. "$LIB/case.sh"
. "$LIB/watch.sh"

mount_weavers
watch "$W/root" "$MNT"
for loop in 1 2; do
	while [ ! -e "$W/stop" ]; do
		# The quota counts a pod until it is gone: a refused mkdir is to be seen by nobody.
		if ! mkdir "$MNT/own-$loop" 2>"$W/refused.$loop"; then
			grep -q 'quota exceeded' "$W/refused.$loop" || cat "$W/refused.$loop" >>"$W/wrong"
			sleep 0.2
			continue
		fi
		echo "CREATE,ISDIR $MNT/own-$loop" >>"$W/expected.own-$loop"
		rmdir "$MNT/own-$loop"
		echo "DELETE,ISDIR $MNT/own-$loop" >>"$W/expected.own-$loop"
	done &
	loops[$loop]=$!
done
for i in $(shuf -i 1-12); do
	pending_pod "other-$i" | k create -f - >/dev/null
	echo "CREATE,ISDIR $MNT/other-$i" >>"$W/expected.other"
done
for i in $(shuf -i 1-12); do
	k delete pod --wait=false "$(pod_of "other-$i")" >/dev/null
	echo "DELETE,ISDIR $MNT/other-$i" >>"$W/expected.other"
done
touch "$W/stop"
wait "${loops[@]}"
pending_pod last | k create -f - >/dev/null
echo "CREATE,ISDIR $MNT/last" >>"$W/expected.other"
wait_for 20 grep -q last "$W/root"
watch_end
for who in other own-1 own-2; do
	pattern=$who
	[ "$who" != other ] || pattern='other\|last'
	grep "/\($pattern\)" "$W/root" >"$W/seen"
	same_events "$W/expected.$who" "$W/seen"
done
[ ! -e "$W/wrong" ] || fail "mkdir: $(cat "$W/wrong")"
[ "$(wc -l <"$W/expected.own-1")" -ge 20 ] || fail "the loop has hardly run"
assert_eq 0 "$(missed)"
