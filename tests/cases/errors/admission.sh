#!/bin/bash
# Denied by a ValidatingAdmissionPolicy or by a webhook: EPERM, with the words of whoever denied it.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"

# Cluster-wide objects that go with this case's namespace: it owns them.
apply()
{
	jq --arg uid "$(k get namespace "$NS" -o 'jsonpath={.metadata.uid}')" --arg ns "$NS" '
		.metadata.name = $ns | .metadata.ownerReferences = [{apiVersion: "v1", kind: "Namespace",
			name: $ns, uid: $uid}]' | k create -f - >/dev/null
}

denied()
{
	! mkdir "$MNT/probe" 2>/dev/null || rmdir "$MNT/probe"
	grep -q "EPERM.*$1" "$MNT/.weaverfs/errors"
}

mount_weavers
selector=$(jq -n --arg ns "$NS" '{matchLabels: {"kubernetes.io/metadata.name": $ns}}')
rule='{apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"]}'
jq -n "{apiVersion: \"admissionregistration.k8s.io/v1\", kind: \"ValidatingAdmissionPolicy\",
	spec: {matchConstraints: {resourceRules: [$rule]},
	validations: [{expression: \"false\", message: \"no weavers today\"}]}}" | apply
jq -n --argjson selector "$selector" --arg ns "$NS" '{apiVersion: "admissionregistration.k8s.io/v1",
	kind: "ValidatingAdmissionPolicyBinding", spec: {policyName: $ns, validationActions: ["Deny"],
	matchResources: {namespaceSelector: $selector}}}' | apply
wait_for 30 denied 'no weavers today'
assert_errno 'Operation not permitted' mkdir "$MNT/a"
assert_match $'\tmkdir\ta\tEPERM\t.*ValidatingAdmissionPolicy .* denied request: no weavers today' \
	"$(tail -n 1 "$MNT/.weaverfs/errors")"
k delete validatingadmissionpolicybinding,validatingadmissionpolicy "$NS" >/dev/null 2>&1
allowed()
{
	mkdir "$MNT/allowed"
}
wait_for 30 allowed

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=hook \
	-addext subjectAltName=IP:127.0.0.1 -keyout hook.key -out hook.crt 2>/dev/null
python3 - <<'END' &
import http.server, json, ssl, sys

class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": review["request"]["uid"], "allowed": False,
            "status": {"message": "not on Fridays"}}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("hook.crt", "hook.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stderr = open("hook.log", "w")
with open("hook.port", "w") as f:
    print(server.server_address[1], file=f)
server.serve_forever()
END
hook=$!
wait_for 10 test -s hook.port
jq -n --argjson selector "$selector" --arg url "https://127.0.0.1:$(cat hook.port)/" --arg ns "$NS" \
	--arg ca "$(base64 -w 0 hook.crt)" "{apiVersion: \"admissionregistration.k8s.io/v1\",
	kind: \"ValidatingWebhookConfiguration\", webhooks: [{name: \"calendar.example.org\",
	clientConfig: {url: \$url, caBundle: \$ca}, rules: [$rule], failurePolicy: \"Fail\",
	sideEffects: \"None\", admissionReviewVersions: [\"v1\"], namespaceSelector: \$selector}]}" | apply
wait_for 30 denied 'not on Fridays'
assert_errno 'Operation not permitted' mkdir "$MNT/a"
assert_match $'\tmkdir\ta\tEPERM\tadmission webhook "calendar.example.org" denied the request: not on Fridays' \
	"$(tail -n 1 "$MNT/.weaverfs/errors")"
k delete validatingwebhookconfiguration "$NS" >/dev/null 2>&1
kill "$hook"
wait "$hook" || true
