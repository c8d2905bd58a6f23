# SPDX-License-Identifier: Apache-2.0
# services.loom-server.weaver: the settings of Loom's deployment guide, by its names, for weaverfs.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.loom-server.weaver;

  option =
    type: default: description:
    mkOption { inherit type default description; };
in
{
  imports = [ ./weaverfs.nix ];

  options.services.loom-server.weaver = {
    enable = lib.mkEnableOption "weavers, ephemeral pods for coding agents, as files below services.weaverfs.mountPoint";

    namespace = option types.str "loom-weavers" "The Kubernetes namespace of the weavers.";

    kubeconfigPath = option types.path "/etc/rancher/k3s/k3s.yaml" "The kubeconfig to reach the cluster with.";

    cleanupIntervalSecs = option types.ints.positive 1800 "Seconds between sweeps for expired weavers.";

    defaultTtlHours = option types.ints.positive 4 "Lifetime of a weaver that asks for none, in hours.";

    maxTtlHours = option types.ints.positive 48 "Longest lifetime there is, in hours.";

    maxConcurrent = option types.ints.positive 64 "Weavers at once, terminating ones included.";

    readyTimeoutSecs = option types.ints.positive 60 "Seconds that wait/running waits for a weaver.";

    imagePullSecrets =
      option (types.listOf types.str) [ ]
        "Secrets with credentials of private registries, such as ghcr-secret of services.loom-k3s.ghcrSecret.";

    webhooks = mkOption {
      type = types.listOf (
        types.submodule {
          options = {
            url = mkOption {
              type = types.str;
              description = "Where events are posted to.";
            };
            events = mkOption {
              type = types.listOf (
                types.enum [
                  "weaver.created"
                  "weaver.deleted"
                  "weaver.failed"
                  "weavers.cleanup"
                ]
              );
              description = "Which events.";
            };
            secret = mkOption {
              type = types.nullOr types.str;
              default = null;
              description = ''
                Key of the HMAC in X-Webhook-Signature. It is readable to all in the Nix store: for a
                real secret put LOOM_SERVER_WEAVER_WEBHOOKS into a file of
                services.weaverfs.environmentFiles instead.
              '';
            };
          };
        }
      );
      default = [ ];
      description = "Who is told of weavers by HTTP.";
    };

    audit = {
      enable = option types.bool true "An audit sidecar beside each weaver.";

      image = option types.str "ghcr.io/ghuntley/loom-audit-sidecar:latest" "The sidecar's image.";

      batchIntervalMs = option types.ints.positive 100 "Milliseconds between the sidecar's batches.";

      bufferMaxBytes = option types.ints.positive 268435456 "The sidecar's buffer on disk, in bytes.";

      metricsPort = option types.port 9090 "Port of the sidecar's Prometheus page.";

      healthPort = option types.port 9091 "Port of the sidecar's /health.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.defaultTtlHours <= cfg.maxTtlHours;
        message = "services.loom-server.weaver.defaultTtlHours (${toString cfg.defaultTtlHours}) is more than maxTtlHours (${toString cfg.maxTtlHours}).";
      }
      {
        assertion = cfg.audit.metricsPort != cfg.audit.healthPort;
        message = "services.loom-server.weaver.audit: metricsPort and healthPort are both ${toString cfg.audit.healthPort}, they must differ.";
      }
    ];

    services.weaverfs = {
      enable = true;
      # As defaults: services.weaverfs.settings may say otherwise.
      settings = lib.mapAttrs (_: lib.mkDefault) {
        enabled = true;
        k8s_namespace = cfg.namespace;
        kubeconfig = toString cfg.kubeconfigPath;
        cleanup_interval_secs = cfg.cleanupIntervalSecs;
        default_ttl_hours = cfg.defaultTtlHours;
        max_ttl_hours = cfg.maxTtlHours;
        max_concurrent = cfg.maxConcurrent;
        ready_timeout_secs = cfg.readyTimeoutSecs;
        image_pull_secrets = if cfg.imagePullSecrets == [ ] then null else cfg.imagePullSecrets;
        webhooks =
          if cfg.webhooks == [ ] then
            null
          else
            map (lib.filterAttrs (_: value: value != null)) cfg.webhooks;
        audit_enabled = cfg.audit.enable;
        audit_image = cfg.audit.image;
        audit_batch_interval_ms = cfg.audit.batchIntervalMs;
        audit_buffer_max_bytes = cfg.audit.bufferMaxBytes;
        audit_metrics_port = cfg.audit.metricsPort;
        audit_health_port = cfg.audit.healthPort;
      };
    };
  };
}
