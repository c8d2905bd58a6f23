#!/bin/bash
# The NixOS options of the deployment guide: each has its name, type and default; bad combinations are refused.
# cluster: sim
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"
. "$LIB/nix.sh"

nix_evaluate options | jq -r '.[]' | grep -v '\._module\.' >options

# name, type, default; of services.loom-k3s, then of services.loom-server.weaver
sed 's/ | /\t/g' <<'END' | sort >expected
services.loom-k3s.enable | boolean | false
services.loom-k3s.role | one of "server", "agent" | "server"
services.loom-k3s.clusterInit | boolean | true
services.loom-k3s.token | null or string | null
services.loom-k3s.tokenFile | null or absolute path | null
services.loom-k3s.serverAddr | null or string | null
services.loom-k3s.disableTraefik | boolean | true
services.loom-k3s.disableServiceLB | boolean | false
services.loom-k3s.disableLocalStorage | boolean | false
services.loom-k3s.bindAddress | string | "127.0.0.1"
services.loom-k3s.extraFlags | list of string | [ ]
services.loom-k3s.kubeconfigPath | absolute path | "/etc/rancher/k3s/k3s.yaml"
services.loom-k3s.openFirewall | boolean | false
services.loom-k3s.ghcrSecret.enable | boolean | false
services.loom-k3s.ghcrSecret.username | null or string | null
services.loom-k3s.ghcrSecret.tokenFile | null or absolute path | null
services.loom-k3s.privateRegistry.enable | boolean | false
services.loom-k3s.privateRegistry.server | null or string | null
services.loom-k3s.privateRegistry.username | null or string | null
services.loom-k3s.privateRegistry.passwordFile | null or absolute path | null
services.loom-server.weaver.enable | boolean | false
services.loom-server.weaver.namespace | string | "loom-weavers"
services.loom-server.weaver.kubeconfigPath | absolute path | "/etc/rancher/k3s/k3s.yaml"
services.loom-server.weaver.cleanupIntervalSecs | positive integer, meaning >0 | 1800
services.loom-server.weaver.defaultTtlHours | positive integer, meaning >0 | 4
services.loom-server.weaver.maxTtlHours | positive integer, meaning >0 | 48
services.loom-server.weaver.maxConcurrent | positive integer, meaning >0 | 64
services.loom-server.weaver.readyTimeoutSecs | positive integer, meaning >0 | 60
services.loom-server.weaver.imagePullSecrets | list of string | [ ]
services.loom-server.weaver.webhooks | list of (submodule) | [ ]
services.loom-server.weaver.webhooks.*.url | string | "-"
services.loom-server.weaver.webhooks.*.events | list of (one of "weaver.created", "weaver.deleted", "weaver.failed", "weavers.cleanup") | [ ]
services.loom-server.weaver.webhooks.*.secret | null or string | null
services.loom-server.weaver.audit.enable | boolean | true
services.loom-server.weaver.audit.image | string | "ghcr.io/ghuntley/loom-audit-sidecar:latest"
services.loom-server.weaver.audit.batchIntervalMs | positive integer, meaning >0 | 100
services.loom-server.weaver.audit.bufferMaxBytes | positive integer, meaning >0 | 268435456
services.loom-server.weaver.audit.metricsPort | 16 bit unsigned integer; between 0 and 65535 (both inclusive) | 9090
services.loom-server.weaver.audit.healthPort | 16 bit unsigned integer; between 0 and 65535 (both inclusive) | 9091
END
diff expected <(grep '^services\.loom-' options | sort)
assert_eq 'enable environmentFiles mountPoint package settings ' \
	"$(sed -n 's/^services\.weaverfs\.\([^\t]*\).*/\1/p' options | tr '\n' ' ')"

# refuses MESSAGE CONFIGURATION
refuses()
{
	assert_match "$1" "$(nix_evaluate failed "{ services.loom-k3s = { enable = true; } // $2; }")"
}
assert_eq '[]' "$(nix_evaluate failed '{ services.loom-k3s.enable = true; }')"
refuses 'an agent needs serverAddr.*an agent needs token' '{ role = "agent"; }'
refuses 'an agent needs token' '{ role = "agent"; serverAddr = "https://192.0.2.1:6443"; }'
refuses 'both set' '{ token = "a"; tokenFile = "/b"; }'
refuses 'ghcrSecret needs username and tokenFile' '{ ghcrSecret.enable = true; }'
refuses 'privateRegistry needs' '{ privateRegistry = { enable = true; username = "a"; }; }'
assert_eq '[]' "$(nix_evaluate failed '{ services.loom-k3s = { enable = true; role = "agent";
	serverAddr = "https://192.0.2.1:6443"; tokenFile = "/run/secrets/k3s"; }; }')"
weaver='{ services.loom-server.weaver = { enable = true; } //'
assert_match 'defaultTtlHours \(49\) is more' "$(nix_evaluate failed "$weaver { defaultTtlHours = 49; }; }")"
assert_match 'must differ' "$(nix_evaluate failed "$weaver { audit.metricsPort = 9091; }; }")"
expect_fail nix_evaluate failed "$weaver { maxTtlHours = 0; }; }"
expect_fail nix_evaluate failed "$weaver { noSuchOption = 1; }; }"
