#!/bin/bash
# 200 pods made, annotated and deleted by kubectl in random order are seen exactly; how late, is told.
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# tier: all
. "$LIB/case.sh"
. "$LIB/watch.sh"

# The pods' names are the weavers' with the id behind, which nothing asks for.
storm_pods()
{
	local name
	for name; do
		pending_pod "$name" | jq --arg pod "weaver-$name" '.metadata.name = $pod'
	done
}

# held LABEL NAME...: the watcher has seen that.
held()
{
	local file=$W/$1.seen name
	shift
	for name; do
		grep -q "^inotify .* hold $name\$" "$file" || return 1
	done
}

# storm LABEL COUNT: each third of a round is a kubectl of its own, side by side.
storm()
{
	local label=$1 round new=() held=() rest=() wave i
	rm -f "$W/stop"
	"$LIB/watch-latency" "$MNT" "$ADMIN_KUBECONFIG" "$NS" "$W/stop" >"$W/$label.seen" 2>"$W/$label.err" &
	local probe=$!
	wait_for 15 grep -q ready "$W/$label.err"
	mapfile -t wave < <(seq -f "storm-$label-%g" "$2" | shuf)
	for ((i = 0; i < ${#wave[@]} + 30; i += 10)); do
		local jobs=()
		# One that is gone before its change could be shown has its removal alone.
		wait_for 60 held "$label" "${held[@]}"
		rest=("${held[@]}")
		held=("${new[@]}")
		new=("${wave[@]:i:10}")
		if [ ${#new[@]} -gt 0 ]; then
			storm_pods "${new[@]}" | k create -f - >/dev/null &
			jobs+=("$!")
		fi
		if [ ${#held[@]} -gt 0 ]; then
			k annotate pod $(printf 'weaver-%s\n' "${held[@]}" | shuf) loom.dev/hold=1 >/dev/null &
			jobs+=("$!")
		fi
		if [ ${#rest[@]} -gt 0 ]; then
			k delete pod --wait=false $(printf 'weaver-%s\n' "${rest[@]}" | shuf) >/dev/null &
			jobs+=("$!")
		fi
		[ ${#jobs[@]} = 0 ] || wait "${jobs[@]}"
	done
	touch "$W/stop"
	wait "$probe"
	"$LIB/watch-compare" "$label" <"$W/$label.seen" >>"$W/numbers" 2>"$W/$label.bad" ||
		fail "$label: $(head -20 "$W/$label.bad" "$W/$label.err") missed $(missed)"
}

mount_weavers
: >"$W/numbers"
storm alone ${STORM:-200}
while [ ! -e "$W/enough" ]; do
	mkdir "$MNT/own"
	rmdir "$MNT/own"
done &
loop=$!
storm crowd 60
touch "$W/enough"
wait "$loop"
assert_eq 0 "$(missed)"
cp "$W/numbers" "$O/watch-latency.$TEST_CLUSTER"
