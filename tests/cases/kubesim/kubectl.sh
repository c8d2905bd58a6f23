#!/bin/bash
# kubectl works against kubesim: create, get in its forms, describe, logs, label, patch, wait, delete.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

pod()
{
	make_pod_json "$1" "$1" "$2" "${3:-{\}}" | jq --arg name "$1" '.metadata.name = $name'
}

column()
{
	k get pods "$1" --no-headers | awk -v n="$2" '{print $n}'
}

admin()
{
	"$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" "$@"
}

status_becomes()
{
	[ "$(column "$1" 3)" = "$2" ]
}

timeout 60 "$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" -n "$NS" get pods -w --no-headers >watched &
watcher=$!
pod a 'echo one; sleep 0.3; echo two; sleep 600' | k create -f - >/dev/null
k wait --for=condition=Ready pod/a --timeout=20s >/dev/null
assert_eq "1/1 Running 0" "$(k get pods a --no-headers | awk '{print $2, $3, $4}')"
assert_match 'kubesim' "$(k get pods a -o wide --no-headers)" "the node"
assert_eq Burstable "$(k get pod a -o 'jsonpath={.status.qosClass}')"
described=$(k describe pod a)
assert_match 'Successfully assigned .* to kubesim' "$described"
assert_match 'Started container weaver' "$described"

two_said()
{
	k logs a | grep -q two
}
wait_for 10 two_said
pod b 'echo one; sleep 1; printf two' | k create -f - >/dev/null
k wait --for=condition=Ready pod/b --timeout=20s >/dev/null
assert_eq $'one\ntwo' "$(k logs -f b)" "what a follow delivers until the container ends"
assert_eq one "$(k logs a | sed -n 1p)"
assert_eq two "$(k logs a --tail=1)"
assert_match '^[0-9]{4}-[0-9-]+T[0-9:]+\.[0-9]{9}Z one$' "$(k logs a --timestamps | sed -n 1p)"

k label pod a colour=red >/dev/null
k annotate pod a note='with blanks' >/dev/null
assert_eq a "$(k get pods -l 'colour in (red)' -o name | cut -d/ -f2)"
assert_eq "" "$(k get pods -l colour=blue -o name)"
assert_eq "with blanks" "$(k get pod a -o 'jsonpath={.metadata.annotations.note}')"
k patch pod a --type=json -p '[{"op":"remove","path":"/metadata/labels/colour"}]' >/dev/null
expect_fail k patch pod a --type=json -p '[{"op":"test","path":"/metadata/name","value":"b"}]'
expect_fail k create -f - <<<"$(pod a true)"

pod done 'echo bye; exit 3' | k create -f - >/dev/null
wait_for 20 status_becomes done Error
assert_eq Failed "$(k get pod done -o 'jsonpath={.status.phase}')"
assert_eq 3 "$(k get pod done -o 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')"
assert_eq bye "$(k logs done)"

k create secret generic token --from-literal=key=sesame >/dev/null
assert_eq c2VzYW1l "$(k get secret token -o 'jsonpath={.data.key}')"
pod secret 'echo "$WORD"; sleep 600' | jq '.spec.containers[0].env = [{name: "WORD",
	valueFrom: {secretKeyRef: {name: "token", key: "key"}}}]' | k create -f - >/dev/null
k wait --for=condition=Ready pod/secret --timeout=20s >/dev/null
sesame_said()
{
	k logs secret | grep -q sesame
}
wait_for 10 sesame_said

k delete pod a b done secret --grace-period=1 --timeout=30s >/dev/null
k wait --for=delete pod/a --timeout=10s >/dev/null
assert_eq "" "$(k get pods -o name)"
kill "$watcher"
wait "$watcher" || true
for word in Running Terminating; do
	assert_match "a +1/1 +$word" "$(cat watched)" "what -w showed"
done
admin create namespace "$NS-more" >/dev/null
admin -n "$NS-more" get serviceaccount default >/dev/null
admin delete namespace "$NS-more" --timeout=30s >/dev/null
