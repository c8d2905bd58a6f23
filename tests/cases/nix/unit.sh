#!/bin/bash
# What the NixOS modules make of a configuration: units, k3s' arguments, firewall; and a daemon that takes their settings.
# cluster: sim
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/nix.sh"

# value FILTER: from the services of the configuration below.
value()
{
	jq -r "$1" services
}

configuration='{
	services.loom-k3s = { enable = true; openFirewall = true; extraFlags = [ "--debug" ];
		ghcrSecret = { enable = true; username = "someone"; tokenFile = "/run/secrets/github-token"; };
		privateRegistry = { enable = true; server = "registry.example.com"; username = "u"; passwordFile = "/run/p"; };
	};
	services.loom-server.weaver = { enable = true; namespace = "agents"; maxConcurrent = 7;
		imagePullSecrets = [ "ghcr-secret" "registry-secret" ];
		webhooks = [ { url = "http://127.0.0.1/a%20b"; events = [ "weaver.failed" ]; secret = "s"; } ];
	};
	services.weaverfs.settings = { max_ttl_hours = 24; archive_hours = 1; };
	services.weaverfs.environmentFiles = [ "/run/secrets/weaverfs.env" ];
}'
nix_evaluate services "$configuration" >services
assert_eq $'loom-k3s-ghcr-secret\nloom-k3s-kubeconfig\nloom-k3s-namespace\nloom-k3s-registry-secret\nweaverfs' \
	"$(value 'keys[]')"
assert_eq $'\n/nix/store/package/bin/weaverfs -f /mnt/weavers' "$(value '.weaverfs.serviceConfig.ExecStart[]')"
assert_eq $'\n-/nix/store/coreutils/bin/mkdir -p /mnt/weavers' "$(value '.weaverfs.serviceConfig.ExecStartPre[]')"
assert_eq /run/secrets/weaverfs.env "$(value '.weaverfs.serviceConfig.EnvironmentFile[]')"
assert_eq false "$(value .weaverfs.restartIfChanged)"
assert_eq loom-k3s-namespace.service "$(value '.weaverfs.after[]')"
assert_eq "$(value '.weaverfs.after[]')" "$(value '.weaverfs.wants[]')"
for unit in kubeconfig namespace ghcr-secret registry-secret; do
	assert_match 'k3s.service' "$(value ".[\"loom-k3s-$unit\"] | .after[0], .partOf[], .wantedBy[]" | uniq)"
	assert_eq oneshot "$(value ".[\"loom-k3s-$unit\"].serviceConfig.Type")"
	value ".[\"loom-k3s-$unit\"].script" | bash -n
done
# A path unit can start only what is not active already.
assert_eq null "$(value '.["loom-k3s-ghcr-secret"].serviceConfig.RemainAfterExit')"
assert_eq /run/secrets/github-token \
	"$(nix_evaluate 'paths.loom-k3s-ghcr-secret.pathConfig.PathChanged' "$configuration" | jq -r .)"
assert_eq '{"allowedTCPPorts":[6443,10250],"allowedUDPPorts":[8472]}' \
	"$(nix_evaluate firewall "$configuration")"
assert_eq '["loom-k3s"]' "$(nix_evaluate groups "$configuration")"
assert_eq '{"clusterInit":true,"enable":true,"extraFlags":"--bind-address=127.0.0.1 --advertise-address=127.0.0.1 --write-kubeconfig=/etc/rancher/k3s/k3s.yaml --disable=traefik --debug","role":"server"}' \
	"$(nix_evaluate k3s "$configuration")"
assert_eq '{"clusterInit":false,"enable":true,"extraFlags":"","role":"agent","serverAddr":"https://192.0.2.1:6443","token":"t"}' \
	"$(nix_evaluate k3s '{ services.loom-k3s = { enable = true; role = "agent"; serverAddr = "https://192.0.2.1:6443"; token = "t"; }; }')"
assert_eq '{}' "$(nix_evaluate services '{ }')" "services of a configuration that enables nothing"

# systemd reads %% as %. The cluster is this case's own, and so is the namespace.
value '.weaverfs.environment | to_entries[] | .key + "=" + .value' | sed 's/%%/%/g' >environment
assert_eq /etc/rancher/k3s/k3s.yaml "$(sed -n 's/^KUBECONFIG=//p' environment)"
assert_eq agents "$(sed -n 's/^LOOM_SERVER_WEAVER_K8S_NAMESPACE=//p' environment)"
while IFS= read -r line; do
	case $line in
	KUBECONFIG=* | *_K8S_NAMESPACE=*) ;;
	*) export "${line?}" ;;
	esac
done <environment
mount_weavers
in_force()
{
	grep -qxF "$1" "$MNT/.weaverfs/config" || fail "$1: not in $(cat "$MNT/.weaverfs/config")"
}
in_force 'max_concurrent=7  # env'
in_force 'max_ttl_hours=24  # env'
in_force 'archive_hours=1  # env'
in_force 'image_pull_secrets=ghcr-secret,registry-secret  # env'
assert_match '^webhooks=.*http://127.0.0.1/a%20b' "$(grep '^webhooks=' "$MNT/.weaverfs/config")"
# Each of them is a setting of the daemon, and what the configuration leaves out has its default.
for name in $(sed -n 's/^LOOM_SERVER_WEAVER_\([A-Z0-9_]*\)=.*/\1/p' environment); do
	[ "$name" = K8S_NAMESPACE ] || grep -q "^${name,,}=.*  # env$" "$MNT/.weaverfs/config" ||
		fail "$name: the daemon does not know it"
done
umount_weavers
