#!/bin/bash
# Two mounts race for one name, again and again: one winner each time, the same for all, nothing left.
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
. "$LIB/case.sh"

# On no node, so that a round costs the API server alone: its time is what the race is about.
printf 'spec:\n  nodeSelector: {weaverfs.dev/none: x}\n' >"$W/patch"
# The quota gives places back when a controller comes round to it, seconds later.
k delete resourcequota --all >/dev/null
# A busy machine is no reason to have no winner.
options=pod_patch=$W/patch,create_timeout_ms=20000
mount_weavers "$options"
MNT=$W/other mount_weavers "$options"

"$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" --namespace "$NS" get pods -l loom.dev/managed=true \
	--watch --output-watch-events -o json >"$W/events" &
watcher=$!
mkdir "$MNT/before"
wait_for 10 grep -q '"before"' "$W/events"
rmdir "$MNT/before"
"$LIB/race" "${RACE_ROUNDS:-100}" "$MNT" "$W/other" >"$W/won"
assert_eq "${RACE_ROUNDS:-100}" "$(wc -l <"$W/won")" "rounds with a winner"

no_pods()
{
	[ -z "$(k get pods -o name)" ]
}
wait_for 10 no_pods
kill "$watcher"
wait "$watcher" || true
# kubectl saw the same: of each name the pod whose ADDED came first has won.
jq -r 'select(.type == "ADDED").object.metadata | [.labels["loom.dev/name"], .name] | @tsv' \
	"$W/events" | grep ^race | sort -s -k1,1 -u | sort >"$W/first"
cut -d ' ' -f 1,3 --output-delimiter $'\t' "$W/won" | sort >"$W/winners"
diff "$W/first" "$W/winners"
