# SPDX-License-Identifier: Apache-2.0
# services.weaverfs: the mount. Its unit is the one that the package installs; here is only what
# differs from it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.weaverfs;

  scalar = types.oneOf [
    types.bool
    types.int
    types.str
  ];

  # The names of docs and of `weaverfs --help`; as an environment variable all of them but two begin
  # alike.
  variable =
    name:
    {
      server_url = "LOOM_SERVER_URL";
      kubeconfig = "KUBECONFIG";
    }
    .${name} or "LOOM_SERVER_WEAVER_${lib.toUpper name}";

  text =
    value:
    if builtins.isBool value then
      lib.boolToString value
    else if !builtins.isList value then
      toString value
    else if builtins.all builtins.isString value then
      lib.concatStringsSep "," value
    else
      builtins.toJSON value;

  # "%" begins a specifier of systemd.
  escape = builtins.replaceStrings [ "%" ] [ "%%" ];
  mountPoint = lib.escapeShellArg (escape (toString cfg.mountPoint));
in
{
  options.services.weaverfs = {
    enable = lib.mkEnableOption "weaverfs, the weavers of a Kubernetes namespace as files";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ../package.nix { }";
      description = "The package with weaverfs and its unit files.";
    };

    mountPoint = mkOption {
      type = types.path;
      default = "/mnt/weavers";
      description = "Where the weavers appear. The directory is made.";
    };

    settings = mkOption {
      type = types.attrsOf (types.nullOr (types.either scalar (types.listOf (types.either types.str (types.attrsOf types.anything)))));
      default = { };
      example = {
        max_concurrent = 128;
        archive_hours = 24;
      };
      description = ''
        Settings by the names that `weaverfs --help` lists. They become the unit's environment, which
        everybody on the host can read, as the Nix store: secrets belong into environmentFiles. null
        leaves a setting at its default.
      '';
    };

    environmentFiles = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "/run/secrets/weaverfs.env" ];
      description = "Files of NAME=value lines, for LOOM_SERVER_WEAVER_WEBHOOKS and other secrets.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    # kubeconfigs of k3s are for this group; the unit is in it
    users.groups.loom-k3s = { };
    systemd.packages = [ cfg.package ];
    systemd.services.weaverfs = {
      wantedBy = [ "multi-user.target" ];
      environment = lib.mapAttrs' (
        name: value: lib.nameValuePair (variable name) (escape (text value))
      ) (lib.filterAttrs (_: value: value != null) cfg.settings);
      serviceConfig = {
        # An empty one takes the unit's own away.
        ExecStartPre = [
          ""
          "-${pkgs.coreutils}/bin/mkdir -p ${mountPoint}"
        ];
        ExecStart = [
          ""
          "${cfg.package}/bin/weaverfs -f ${mountPoint}"
        ];
        EnvironmentFile = cfg.environmentFiles;
      };
      # A restart breaks open files and working directories in the mount: the administrator says when.
      restartIfChanged = false;
    };
  };
}
