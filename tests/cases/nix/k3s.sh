#!/bin/bash
# The one-shot units of services.loom-k3s do what they say: kubeconfig, namespace with its policy, pull secrets that follow their files.
# SPDX-License-Identifier: Apache-2.0
# cluster: real
. "$LIB/case.sh"
. "$LIB/nix.sh"

other=$NS-nix
nix_evaluate services "{
	services.loom-k3s = { enable = true; kubeconfigPath = \"$W/k3s.yaml\";
		ghcrSecret = { enable = true; username = \"some'one\"; tokenFile = \"$W/token\"; };
		privateRegistry = { enable = true; server = \"registry.example.com:5000\"; username = \"u\"; passwordFile = \"$W/password\"; };
	};
	services.loom-server.weaver = { enable = true; namespace = \"$other\"; audit.image = \"example.com/a/audit:1\"; };
}" >services
mkdir bin
printf '#!/bin/sh\nshift\nexec "%s" --kubeconfig "%s" "$@"\n' "$KUBECTL" "$ADMIN_KUBECONFIG" >bin/k3s
printf '#!/bin/sh\necho "$@" >"%s/chown"\n' "$W" >bin/chown # the group is NixOS' to make
chmod +x bin/*

# run_unit NAME [CREDENTIAL]: its script, as systemd runs it.
run_unit()
{
	local directory=$W/run-$1
	mkdir -p "$directory/credentials"
	[ $# -lt 2 ] || cp "$2" "$directory/credentials/password"
	jq -r ".[\"loom-k3s-$1\"].script" services |
		sed "s,/nix/store/package/share/weaverfs/manifests,$nix_top/k8s/manifests,g" >"$directory/script"
	PATH=$W/bin:$PATH RUNTIME_DIRECTORY=$directory CREDENTIALS_DIRECTORY=$directory/credentials \
		timeout 60 bash -e "$directory/script" >"$directory/log" 2>&1 || fail "$1: $(cat "$directory/log")"
}

# login SECRET REGISTRY: user:password in it.
login()
{
	k get secret "$1" --namespace "$other" -o json |
		jq -r --arg registry "$2" '.data[".dockerconfigjson"] | @base64d | fromjson | .auths[$registry].auth | @base64d'
}

(umask 077; cp "$ADMIN_KUBECONFIG" k3s.yaml)
run_unit kubeconfig
assert_eq 640 "$(stat -c %a k3s.yaml)"
assert_eq "root:loom-k3s $W/k3s.yaml" "$(cat chown)"

expect_fail k get namespace "$other"
run_unit namespace
run_unit namespace # as at every start of k3s
assert_eq 'privileged true' "$(k get namespace "$other" -o json |
	jq -r '.metadata.labels | .["pod-security.kubernetes.io/enforce"] + " " + .["loom.dev/weavers"]')"
assert_eq example.com/a/audit:1 \
	"$(k get configmap weaver-policy --namespace "$other" -o 'jsonpath={.data.audit_image}')"

echo 'first"token' >token
echo password >password
run_unit ghcr-secret token
run_unit registry-secret password
assert_eq "some'one:first\"token" "$(login ghcr-secret ghcr.io)"
assert_eq u:password "$(login registry-secret registry.example.com:5000)"
assert_eq kubernetes.io/dockerconfigjson \
	"$(k get secret ghcr-secret --namespace "$other" -o 'jsonpath={.type}')"
echo second >token
run_unit ghcr-secret token
assert_eq "some'one:second" "$(login ghcr-secret ghcr.io)"
# Nobody may read them on the way: not in an argument, an annotation or a file that others see.
k get secret ghcr-secret --namespace "$other" -o json | jq -e '.metadata.annotations == null' >/dev/null
expect_fail grep -r second run-ghcr-secret/script
assert_eq '"0077"' "$(jq '.["loom-k3s-ghcr-secret"].serviceConfig.UMask' services)"
k delete namespace "$other" --wait=false >/dev/null 2>&1
