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

# watched LABEL NAME...: the watcher has seen them come, and watches what is in them.
watched()
{
	local file=$W/$1.seen name
	shift
	for name; do
		grep -q "^inotify .* add $name\$" "$file" || return 1
	done
}

# end_pods POD...: half of them are annotated, then the others while all are deleted: which of the
# two is first, if both, the server says.
end_pods()
{
	local half=$((($# + 1) / 2)) said
	k annotate pod "${@:1:half}" loom.dev/hold=1 >/dev/null
	k delete pod --wait=false $(shuf -e "$@") >/dev/null &
	local delete=$!
	said=$(k annotate pod "${@:half+1}" loom.dev/hold=1 2>&1 >/dev/null) ||
		! grep -v NotFound <<<"$said" || fail "annotate: $said"
	wait "$delete"
}

# storm LABEL COUNT: ten come while those before them are annotated and deleted, in random order.
storm()
{
	local label=$1 new=() old=() wave i
	rm -f "$W/stop"
	"$LIB/watch-latency" "$MNT" "$ADMIN_KUBECONFIG" "$NS" "$W/stop" >"$W/$label.seen" 2>"$W/$label.err" &
	local probe=$!
	wait_for 15 grep -q ready "$W/$label.err"
	mapfile -t wave < <(seq -f "storm-$label-%g" "$2" | shuf)
	for ((i = 0; i < ${#wave[@]} + 10; i += 10)); do
		local jobs=()
		old=("${new[@]}")
		new=("${wave[@]:i:10}")
		wait_for 60 watched "$label" "${old[@]}"
		if [ ${#new[@]} -gt 0 ]; then
			storm_pods "${new[@]}" | k create -f - >/dev/null &
			jobs+=("$!")
		fi
		if [ ${#old[@]} -gt 0 ]; then
			mapfile -t old < <(printf 'weaver-%s\n' "${old[@]}" | shuf)
			end_pods "${old[@]}" &
			jobs+=("$!")
		fi
		[ ${#jobs[@]} = 0 ] || wait "${jobs[@]}"
	done
	touch "$W/stop"
	wait "$probe"
	"$LIB/watch-compare" "$label" <"$W/$label.seen" >>"$W/numbers" 2>"$W/$label.bad" ||
		fail "$label: $(head -20 "$W/$label.bad" "$W/$label.err") missed $(missed)"
}

# Two kubectls and the controller write its status: the server gives up with a conflict now and then.
k delete resourcequota --all >/dev/null
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
