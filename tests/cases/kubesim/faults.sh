#!/bin/bash
# kubesim misbehaves exactly as told, as often as told, and not a request longer.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

server=$(k config view -o 'jsonpath={.clusters[0].cluster.server}')
token=$(cat "$W/kubesim/token")
pods=$server/api/v1/namespaces/$NS/pods
get()
{
	curl -sk -m 5 -H "Authorization: Bearer $token" "$@"
}

code()
{
	get -o /dev/null -w '%{http_code}' "$@" || true
}

kubesim_faults '{"rules":[{"verb":"list","path":"*/pods*","count":2,"status":429,"retry_after":1}]}'
assert_eq 429 "$(code "$pods")"
assert_match 'Retry-After: 1' "$(get -i "$pods")"
assert_eq 200 "$(code "$pods")"

kubesim_faults '{"rules":[{"verb":"list","count":1,"reset_after":0}]}'
status=0
get "$pods" >/dev/null || status=$?
assert_match '^(18|35|52|55|56)$' "$status" "curl's word for a reset"
assert_eq 200 "$(code "$pods")"

kubesim_faults '{"rules":[{"verb":"watch","count":1,"error":410}]}'
assert_eq ERROR "$(get "$pods?watch=1&resourceVersion=1000000" | jq -r .type)"

rv=$(get "$pods" | jq -r .metadata.resourceVersion)
make_pod_json a a true '{"nodeSelector": {"none": "x"}}' | k create -f - >/dev/null
make_pod_json b b true '{"nodeSelector": {"none": "x"}}' | k create -f - >/dev/null
watched()
{
	kubesim_faults "{\"rules\":[{\"verb\":\"watch\",\"count\":1,\"end_after_events\":2,$1}]}"
	get "$pods?watch=1&resourceVersion=$rv&timeoutSeconds=2" |
		jq -r '.object.metadata.resourceVersion' | tr '\n' ' '
}
plain=$(watched '"chunk":5')
read -r first second <<<"$plain"
assert_eq "$first $first $second " "$(watched '"events":"duplicate"')"
assert_eq "$second $first " "$(watched '"events":"reorder"')"
assert_eq "$second " "$(watched '"events":"drop"')"

assert_eq 401 "$(curl -sk -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer no' "$pods")"
assert_eq 403 "$(curl -sk -o /dev/null -w '%{http_code}' "$pods")"
assert_eq 410 "$(get "$pods?watch=1&resourceVersion=5" | jq -r .object.code)"
k delete pods --all --timeout=20s >/dev/null
