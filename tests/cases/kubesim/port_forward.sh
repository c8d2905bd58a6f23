#!/bin/bash
# kubectl port-forward against kubesim: small and large both ways, five at once, half-closed, an
# idle connection beside busy ones, a client that leaves, and a closed port in the kubelet's words.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
. "$LIB/case.sh"
. "$LIB/into.sh"
served=$(free_port) turned=$(free_port) closed=$(free_port)

# forward PORT: sets pid and local.
forward()
{
	"$KUBECTL" --kubeconfig "$ADMIN_KUBECONFIG" -n "$NS" port-forward pod/a ":$1" \
		>"said.$1" 2>"complained.$1" &
	pid=$!
	wait_for 20 grep -q '^Forwarding from 127' "said.$1"
	local=$(sed -n 's/^Forwarding from 127[^:]*:\([0-9]*\) -> .*/\1/p' "said.$1")
}

get()
{
	curl -sS --max-time 60 "http://127.0.0.1:$local/$1"
}

ended()
{
	! kill -0 "$1"
}

# In the pod: reads to the end of the input, then answers.
turner='
import hashlib, socketserver, sys
class Turn(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(hashlib.md5(self.rfile.read()).hexdigest().encode() + b"  -\nend\n")
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Turn).serve_forever()
'
# turn: its input through the pod, whose answer begins when the input has ended.
turn()
{
	timeout 60 busybox nc 127.0.0.1 "$local"
}

make_pod_json a a 'mkdir /tmp/www && cd /tmp/www && echo hello >hello &&
	head -c 5000000 /dev/urandom >big
	python3 -c "$TURNER" '"$turned"' & exec busybox httpd -f -p 127.0.0.1:'"$served"' -h /tmp/www' |
	jq --arg turner "$turner" '.metadata.name = "a"
		| .spec.containers[0].env = [{name: "TURNER", value: $turner}]' | k create -f - >/dev/null
k wait --for=condition=Ready pod/a --timeout=20s >/dev/null

forward "$turned"
turning=$pid
head -c 5000000 /dev/urandom >sent
wait_for 20 k exec a -- sh -c "busybox nc 127.0.0.1 $turned </dev/null"
assert_eq "$(md5sum <sent)"$'\nend' "$(turn <sent)" "5 MB to the pod, and its answer"
exec 5<>"/dev/tcp/127.0.0.1/$local" # says nothing, and stays
exec 6<>"/dev/tcp/127.0.0.1/$local" # leaves in the middle
head -c 300000 /dev/zero >&6
exec 6>&-
assert_eq "$(printf x | md5sum)"$'\nend' "$(printf x | turn)"
printf five >&5
assert_eq "$(printf x | md5sum)"$'\nend' "$(printf x | turn)"
exec 5>&-
kill "$turning"
wait "$turning" || true
assert_eq "" "$(cat "complained.$turned")"

forward "$served"
wait_for 20 get hello
assert_eq hello "$(get hello)"
sum=$(k exec a -- md5sum /tmp/www/big | cut -d ' ' -f 1)
assert_eq "$sum" "$(get big | md5sum | cut -d ' ' -f 1)" "5 MB from the pod"
pids=()
for i in {1..5}; do
	get big >"got.$i" &
	pids+=($!)
done
for i in {1..5}; do
	wait "${pids[i - 1]}" || fail "number $i of 5"
	assert_eq "$sum" "$(md5sum <"got.$i" | cut -d ' ' -f 1)" "number $i of 5"
done
curl -sS --max-time 5 --limit-rate 50k "http://127.0.0.1:$local/big" >/dev/null 2>&1 &
slow=$!
assert_eq hello "$(get hello)" "beside one that takes its time"
kill "$slow"
wait "$slow" || true
assert_eq hello "$(get hello)" "after one that left"
kill "$pid"
wait "$pid" || true

forward "$closed"
expect_fail get hello 2>/dev/null
wait_for 20 ended "$pid"
expect_fail wait "$pid"
assert_match "an error occurred forwarding [0-9]+ -> $closed: error forwarding port $closed to pod a, .*: .*connection refused" \
	"$(cat "complained.$closed")"
assert_match 'lost connection to pod' "$(cat "complained.$closed")"
