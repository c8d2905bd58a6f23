# SPDX-License-Identifier: Apache-2.0
# services.loom-k3s: k3s as weavers need it, and what has to be there before the first of them: a
# kubeconfig for the group loom-k3s, the namespace, secrets for private registries.
{ config, lib, ... }:
let
  inherit (lib)
    mkIf
    mkOption
    optional
    optionals
    types
    ;
  cfg = config.services.loom-k3s;
  weaver = config.services.loom-server.weaver;
  package = config.services.weaverfs.package;
  isServer = cfg.role == "server";
  kubeconfig = toString cfg.kubeconfigPath;

  flags =
    optionals isServer [
      "--bind-address=${cfg.bindAddress}"
      "--advertise-address=${cfg.bindAddress}"
      "--write-kubeconfig=${kubeconfig}"
    ]
    ++ optional (isServer && cfg.disableTraefik) "--disable=traefik"
    ++ optional (isServer && cfg.disableServiceLB) "--disable=servicelb"
    ++ optional (isServer && cfg.disableLocalStorage) "--disable=local-storage"
    ++ cfg.extraFlags;

  # A unit that talks to the API server, as often as k3s starts: it is back to waiting then.
  oneShot =
    { description, after ? [ ], ... }@unit:
    {
      inherit description;
      after = [ "k3s.service" ] ++ after;
      requires = after;
      partOf = [ "k3s.service" ];
      wantedBy = [ "k3s.service" ];
      path = [ config.services.k3s.package ];
      environment.KUBECONFIG = kubeconfig;
      serviceConfig = {
        Type = "oneshot";
        TimeoutStartSec = 300;
        Restart = "on-failure";
        RestartSec = 5;
      }
      // (unit.serviceConfig or { });
    }
    // removeAttrs unit [
      "description"
      "after"
      "serviceConfig"
    ];

  # The token never is an argument, which all users of the host may read, nor in the store.
  pullSecret =
    {
      name,
      server,
      username,
      passwordFile,
    }:
    {
      systemd.services."loom-k3s-${name}" = oneShot {
        description = "Pull secret ${name} of the weavers";
        after = [ "loom-k3s-namespace.service" ];
        serviceConfig = {
          LoadCredential = "password:${toString passwordFile}";
          RuntimeDirectory = "loom-k3s-${name}";
          RuntimeDirectoryMode = "0700";
          UMask = "0077";
        };
        script = ''
          set -euo pipefail
          password=$(cat "$CREDENTIALS_DIRECTORY/password")
          auth=$(printf %s:%s ${lib.escapeShellArg username} "$password" | base64 -w 0)
          printf '{"auths":{"%s":{"auth":"%s"}}}' ${lib.escapeShellArg server} "$auth" >"$RUNTIME_DIRECTORY/config.json"
          k3s kubectl create secret generic ${name} --namespace=${weaver.namespace} \
            --type=kubernetes.io/dockerconfigjson \
            --from-file=.dockerconfigjson="$RUNTIME_DIRECTORY/config.json" --dry-run=client -o json |
            k3s kubectl apply --server-side --force-conflicts --field-manager=loom-k3s -f -
        '';
      };
      # When the file changes. The service above is not RemainAfterExit, so that it can start again.
      systemd.paths."loom-k3s-${name}" = {
        description = "The credentials of pull secret ${name}";
        wantedBy = [ "multi-user.target" ];
        pathConfig.PathChanged = toString passwordFile;
      };
    };
in
{
  imports = [ ./loom-server-weaver.nix ];

  options.services.loom-k3s = {
    enable = lib.mkEnableOption "k3s for weavers";

    role = mkOption {
      type = types.enum [
        "server"
        "agent"
      ];
      default = "server";
      description = "A server is a whole cluster; an agent joins one.";
    };

    clusterInit = mkOption {
      type = types.bool;
      default = true;
      description = "Begin a cluster with embedded etcd. Of no effect on what joins another.";
    };

    token = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Secret to join with. It is readable to all in the Nix store: prefer tokenFile.";
    };

    tokenFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File with the secret to join with.";
    };

    serverAddr = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://192.0.2.10:6443";
      description = "The server to join.";
    };

    disableTraefik = mkOption {
      type = types.bool;
      default = true;
      description = "Without k3s' ingress controller.";
    };

    disableServiceLB = mkOption {
      type = types.bool;
      default = false;
      description = "Without k3s' load balancer.";
    };

    disableLocalStorage = mkOption {
      type = types.bool;
      default = false;
      description = "Without k3s' local storage provisioner.";
    };

    bindAddress = mkOption {
      type = types.str;
      default = "127.0.0.1";
      description = "Address that the API server listens on and is advertised by.";
    };

    extraFlags = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "More arguments of k3s.";
    };

    kubeconfigPath = mkOption {
      type = types.path;
      default = "/etc/rancher/k3s/k3s.yaml";
      description = "Where k3s writes the kubeconfig, 0640 for the group loom-k3s.";
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Let other nodes in: TCP 6443 and 10250, UDP 8472.";
    };

    ghcrSecret = {
      enable = lib.mkEnableOption "the pull secret ghcr-secret for ghcr.io";

      username = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "GitHub user whose token it is.";
      };

      tokenFile = mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/run/secrets/github-token";
        description = "File with a GitHub token that may read:packages.";
      };
    };

    privateRegistry = {
      enable = lib.mkEnableOption "the pull secret registry-secret for a registry of your own";

      server = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "registry.example.com";
        description = "The registry's host, with its port if it has one.";
      };

      username = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "Who logs in.";
      };

      passwordFile = mkOption {
        type = types.nullOr types.path;
        default = null;
        description = "File with the password.";
      };
    };
  };

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = [
          {
            assertion = isServer || cfg.serverAddr != null;
            message = "services.loom-k3s: an agent needs serverAddr, the server that it joins.";
          }
          {
            assertion = isServer || cfg.token != null || cfg.tokenFile != null;
            message = "services.loom-k3s: an agent needs token or tokenFile, the secret of its server.";
          }
          {
            assertion = cfg.token == null || cfg.tokenFile == null;
            message = "services.loom-k3s: token and tokenFile are both set; one is enough.";
          }
          {
            assertion = cfg.ghcrSecret.enable -> cfg.ghcrSecret.username != null && cfg.ghcrSecret.tokenFile != null;
            message = "services.loom-k3s.ghcrSecret needs username and tokenFile.";
          }
          {
            assertion =
              cfg.privateRegistry.enable
              -> cfg.privateRegistry.server != null
              && cfg.privateRegistry.username != null
              && cfg.privateRegistry.passwordFile != null;
            message = "services.loom-k3s.privateRegistry needs server, username and passwordFile.";
          }
        ];

        services.k3s = {
          enable = true;
          inherit (cfg) role;
          clusterInit = isServer && cfg.clusterInit && cfg.serverAddr == null;
          extraFlags = toString flags;
        }
        // lib.optionalAttrs (cfg.token != null) { inherit (cfg) token; }
        // lib.optionalAttrs (cfg.tokenFile != null) { tokenFile = toString cfg.tokenFile; }
        // lib.optionalAttrs (cfg.serverAddr != null) { inherit (cfg) serverAddr; };

        users.groups.loom-k3s = { };

        networking.firewall = mkIf cfg.openFirewall {
          allowedTCPPorts = [
            6443
            10250
          ];
          allowedUDPPorts = [ 8472 ];
        };
      }

      (mkIf isServer {
        # k3s writes it anew at each start, for root alone.
        systemd.services.loom-k3s-kubeconfig = oneShot {
          description = "kubeconfig of k3s for the group loom-k3s";
          serviceConfig.RemainAfterExit = true;
          script = ''
            set -euo pipefail
            until [ -s ${lib.escapeShellArg kubeconfig} ]; do sleep 1; done
            chown root:loom-k3s ${lib.escapeShellArg kubeconfig}
            chmod 0640 ${lib.escapeShellArg kubeconfig}
          '';
        };

        # With the labels and the admission policy that weavers and their audit sidecars need.
        systemd.services.loom-k3s-namespace = oneShot {
          description = "Namespace ${weaver.namespace} of the weavers";
          after = [ "loom-k3s-kubeconfig.service" ];
          serviceConfig.RemainAfterExit = true;
          script = ''
            set -euo pipefail
            until k3s kubectl get --raw /readyz >/dev/null; do sleep 1; done
            sed -s -e '1i ---' -e 's/\bloom-weavers\b/${weaver.namespace}/' -e 's,audit_image: .*,audit_image: ${weaver.audit.image},' \
              ${package}/share/weaverfs/manifests/namespace.yaml ${package}/share/weaverfs/manifests/policy.yaml |
              k3s kubectl apply --server-side --force-conflicts --field-manager=loom-k3s -f -
          '';
        };

        systemd.services.weaverfs = mkIf config.services.weaverfs.enable {
          after = [ "loom-k3s-namespace.service" ];
          wants = [ "loom-k3s-namespace.service" ];
        };
      })

      (mkIf (isServer && cfg.ghcrSecret.enable) (pullSecret {
        name = "ghcr-secret";
        server = "ghcr.io";
        inherit (cfg.ghcrSecret) username;
        passwordFile = cfg.ghcrSecret.tokenFile;
      }))

      (mkIf (isServer && cfg.privateRegistry.enable) (pullSecret {
        name = "registry-secret";
        inherit (cfg.privateRegistry) server username passwordFile;
      }))
    ]
  );
}
