#!/bin/bash
# weaver doctor names each of two dozen broken set-ups, with its own cure and no other complaint.
# SPDX-License-Identifier: Apache-2.0
# cluster: sim
# timeout: 240
. "$LIB/case.sh"
. "$LIB/cli.sh"
. "$LIB/proxy.sh"

options=namespace=$NS,image=$TEST_IMAGE

# finds NAME WHAT CURE [OPTIONS [SOURCE]]: one thing is wrong, and this is what is said of it.
finds()
{
	run weaver doctor -o "$options${4:+,$4}" ${5:+"$5"}
	assert_eq 1 "$status" "exit status for '$2': $out"
	assert_match "^1 wrong, 0 to look at\$" "$(tail -n 1 <<<"$out")" "of '$2': $out"
	said "✗ $1" "$2" "$3"
}

said()
{
	grep -E "^$1 +.*$2" <<<"$out" >/dev/null || fail "no '$1' with '$2' in: $out"
	grep -F -A6 "$1" <<<"$out" | grep -qE "^   +.*$3" || fail "no cure '$3' for '$1' in: $out"
}

# fault PATH STATUS MESSAGE [MORE]
fault()
{
	kubesim_faults "$(jq -n --arg path "$1" --argjson status "$2" --arg message "$3" \
		--argjson more "${4:-{\}}" '{rules: [{path: $path, status: $status, message: $message} + $more]}')"
}

healthy()
{
	kubesim_faults '{"rules": []}'
	run weaver doctor -o "$options"
	assert_eq 0 "$status" "healthy again: $out"
	assert_match '^0 wrong, 0 to look at$' "$(tail -n 1 <<<"$out")" "$out"
}

k label --overwrite namespace "$NS" pod-security.kubernetes.io/enforce=restricted >/dev/null
healthy
for name in kernel fuse settings kubeconfig server clock credentials namespace 'pod security' rbac quota 'new weaver' weavers; do
	grep -q "^✓ $name" <<<"$out" || fail "$name was not looked at: $out"
done
assert_eq '' "$(k get pods -o name)" "what doctor has tried is not there"

# 1, 2: the kubeconfig
finds kubeconfig 'none: no such kubeconfig' 'name one: weaverfs KUBECONFIG' '' "$W/none"
echo 'not: [a, kubeconfig' >"$W/broken"
finds kubeconfig "broken" 'name one' '' "$W/broken"
# 3: and its mode
install -m 640 "$KUBECONFIG" "$W/secret"
chmod 755 "$W"
run setpriv --reuid 1234 --regid 1234 --clear-groups -- env HOME=/ PATH="$PATH" \
	weaver doctor -o "$options" "$W/secret"
said '✗ kubeconfig' 'secret' 'group loom-k3s'
# 4: the server
sed 's|server: .*|server: https://127.0.0.1:1|' "$KUBECONFIG" >"$W/away"
finds server '127.0.0.1:1.*connect' 'systemctl status k3s' '' "$W/away"
# 5: its certificate
sed -E "s|certificate-authority-data: .*|certificate-authority-data: $(openssl req -x509 -newkey ec \
	-pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout /dev/null 2>/dev/null | base64 -w 0)|" \
	"$KUBECONFIG" >"$W/other-ca"
finds server 'certificate|trust' 'take it anew' '' "$W/other-ca"
# 6: too old
fault /version 200 '{"major":"1","minor":"28","gitVersion":"v1.28.9+k3s1"}' '{"text": true}'
finds server 'Kubernetes v1.28.9' '1.30 or later'
healthy
# 7: credentials
cp "$KUBECONFIG" "$W/expired"
"$KUBECTL" --kubeconfig "$W/expired" config set-credentials me \
	--token="$(printf '{"alg":"none"}' | base64 -w 0).$(printf '{"exp":1700000000}' | base64 -w 0 | tr -d =).x" >/dev/null
"$KUBECTL" --kubeconfig "$W/expired" config set-context --current --user=me >/dev/null
finds credentials '2023-11-14' 'kubectl create token weaverfs' '' "$W/expired"
# 8, 9: the namespace
options=namespace=not-there finds namespace 'not-there does not exist' 'kubectl create namespace not-there'
fault "/api/v1/namespaces/$NS" 200 "{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"$NS\",\"uid\":\"x\"},\"status\":{\"phase\":\"Terminating\"}}" '{"text": true}'
finds namespace 'terminating' 'wait until it is gone'
healthy
# 10: rights
fault '/apis/authorization.k8s.io/*' 201 '{"status":{"allowed":false}}' '{"text": true, "skip": 3, "count": 2}'
finds rbac "not allowed in $NS: create pods, patch pods" 'weaver setup'
healthy
# 11: the quota is full
k patch resourcequota weaver-quota --type merge -p '{"spec":{"hard":{"pods":"0"}}}' >/dev/null
finds quota 'pods: 0 used of 0' "resourcequota --namespace $NS"
grep -q '^– new weaver .*said above: quota' <<<"$out" || fail "$out"
k patch resourcequota weaver-quota --type merge -p '{"spec":{"hard":{"pods":"64"}}}' >/dev/null
# 12: the pull secret
finds 'pull secret' 'ghcr-secret does not exist' "docker-registry ghcr-secret --namespace=$NS" image_pull_secrets=ghcr-secret
k create secret docker-registry ghcr-secret --docker-server=ghcr.io --docker-username=u --docker-password=p >/dev/null
run weaver doctor -o "$options,image_pull_secrets=ghcr-secret"
assert_match '✓ pull secret +ghcr-secret' "$out"
# 13: the level of Pod Security
finds 'pod security' 'enforces restricted' 'pod-security.kubernetes.io/enforce=privileged' audit_enabled=true
# 14: a setting
run weaver doctor -o "$options,max_ttl_hours=0"
said '✗ settings' 'max_ttl_hours' 'mend the value'
# 15: the image's name
finds image 'Bad//Image' 'in lower case' image=Bad//Image
healthy
# and what only a creation tells: a LimitRange, a policy, a webhook, a field
created=/api/v1/namespaces/$NS/pods
refused()
{
	fault "$created" "$1" "$2" '{"verb": "POST", "reason": "'"$3"'"}'
}
refused 403 'pods "weaver-x" is forbidden: maximum cpu usage per Container is 500m, but limit is 900m' Forbidden
finds limits 'maximum cpu usage per Container is 500m' "limitrange --namespace $NS"
refused 403 'pods "weaver-x" is forbidden: cpu max limit to request ratio per Container is 1, but provided ratio is 2' Forbidden
finds limits 'limit to request ratio' "limitrange --namespace $NS"
refused 422 "pods \"weaver-x\" is forbidden: ValidatingAdmissionPolicy 'loom.dev-weavers' with binding 'loom.dev-weavers' denied request: audit-sidecar must" Invalid
finds 'pod security' 'audit-sidecar must' 'ConfigMap weaver-policy'
refused 422 "pods \"weaver-x\" is forbidden: ValidatingAdmissionPolicy 'cost-center' with binding 'all' denied request: no cost center" Invalid
finds 'new weaver' 'no cost center' 'ask who made it'
refused 400 'admission webhook "images.example.com" denied the request: not signed' ''
finds 'new weaver' 'not signed' 'ask who made it'
refused 503 'away' ''
run weaver doctor -o "$options"
assert_eq 0 "$status" "$out"
grep -q '^– new weaver .*cannot be tried' <<<"$out" || fail "$out"
kubesim_faults '{"rules": []}'
echo 'spec: {noSuchField: 1}' >"$W/patch.yaml"
finds 'new weaver' 'noSuchField' 'weaverfs --pod' "pod_patch=$W/patch.yaml"
# with the settings of a mount, not those that one would have that is made now
mount_weavers "pod_patch=$W/patch.yaml,image_pull_secrets=one\\,two"
LOOM_SERVER_WEAVER_POD_PATCH='' run weaver doctor
said '✗ new weaver' 'noSuchField' 'weaverfs --pod'
umount_weavers
# 16: the clock, through one that is wrong
if command -v faketime >/dev/null; then
	run faketime -f +2h weaver doctor -o "$options"
	said '✗ clock' 'behind' 'timedatectl'
fi

# 17: what the weavers suffer from
mount_weavers
run weaver new bad -d --image missing/image
run weaver doctor -o "$options"
said '✗ image' 'bad: (ErrImagePull|ImagePullBackOff)' 'pull secret that exists'
rmdir "$MNT/bad"
# 18: the daemon has died
kill_weavers
run weaver doctor -o "$options"
said '✗ mount' 'Transport endpoint is not connected' 'mount again'
! grep -F 'the rest of that line' <<<"$out" || fail "the cure of another trouble, too: $out"
umount -l "$MNT"
# 19: it is cut off
proxy_start
cp "$KUBECONFIG" "$W/proxied"
proxy_kubeconfig "$W/proxied"
KUBECONFIG=$W/proxied mount_weavers
proxy_stop
mount_degraded()
{
	grep -q '^degraded: ' "$MNT/.weaverfs/health"
}
wait_for 20 mount_degraded
finds mount 'degraded: ' 'the rest of that line'
! grep -F 'mount again' <<<"$out" || fail "the cure of another trouble, too: $out"
umount_weavers

# 20, 21: the host
unshare -m sh -c 'mount -t tmpfs none /dev && exec weaver doctor -o "$1"' sh "$options" >"$W/run.out" 2>&1 || true
out=$(cat "$W/run.out")
said '✗ fuse' '/dev/fuse: No such file' 'modprobe fuse'
unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf 2>/dev/null || exit 0; exec weaver doctor -o "$1"' sh \
	"$options,audit_enabled=true" >"$W/run.out" 2>&1 || true
out=$(cat "$W/run.out")
[ -z "$out" ] || said '! btf' 'vmlinux' 'CONFIG_DEBUG_INFO_BTF'
