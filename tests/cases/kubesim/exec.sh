#!/bin/bash
# kubectl exec and attach against kubesim: exit codes, both outputs, input to its end, 16 at once.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"

# x COMMAND...: in the pod, for 20 s at most.
x()
{
	timeout 20 "$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" -n "$NS" exec "$@"
}

status_of()
{
	local status=0
	"$@" >/dev/null 2>&1 || status=$?
	echo "$status"
}

make_pod_json a a 'exec sh' '{"hostname": "inside"}' | jq '.metadata.name = "a"
	| .spec.containers[0] += {stdin: true, tty: true}' | k create -f - >/dev/null
k wait --for=condition=Ready pod/a --timeout=20s >/dev/null

assert_eq "1000 inside /workspace" "$(x a -- sh -c 'echo $(id -u) $(hostname) $(pwd)')"
assert_eq out "$(x a -- sh -c 'echo out; echo err >&2' 2>err)"
assert_eq err "$(cat err)"
assert_eq 3 "$(status_of x a -- sh -c 'exit 3')"
assert_eq 137 "$(status_of x a -- sh -c 'kill -9 $$')"
expect_fail x a -- no-such-program
assert_eq sh "$(x a -- sh -c 'cat /proc/1/comm')" "the container's first process"

head -c 5000000 /dev/urandom >big
assert_eq "$(md5sum <big)" "$(x -i a -- md5sum <big)" "input"
assert_eq "$(head -c 5000000 /dev/zero | md5sum)" "$(x a -- head -c 5000000 /dev/zero | md5sum)"

pids=()
for i in {1..16}; do
	x a -- echo "$i" >"said.$i" &
	pids+=($!)
done
for i in {1..16}; do
	wait "${pids[i - 1]}"
	assert_eq "$i" "$(cat "said.$i")"
done

expect_fail timeout 20 "$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" -n "$NS" attach a -t=false
k delete pod a --grace-period=1 --timeout=20s >/dev/null
