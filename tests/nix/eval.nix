# SPDX-License-Identifier: Apache-2.0
# Evaluates the NixOS modules with nixpkgs' lib alone. What they set and do not declare is of NixOS;
# here it is declared as loosely as can be, and the packages are names.
{
  lib, # a folder of nixpkgs' lib
  configuration ? { }, # what a user's configuration.nix says
}:
let
  l = import lib;
  fakePackage = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/${name}";
    version = "0";
  };
  loose = l.mkOption {
    type = l.types.attrsOf l.types.anything;
    default = { };
  };
  units = l.mkOption {
    type = l.types.attrsOf (
      l.types.submodule {
        freeformType = l.types.attrsOf l.types.anything;
        options = l.genAttrs [ "after" "wants" "requires" "wantedBy" "partOf" "path" ] (
          _:
          l.mkOption {
            type = l.types.listOf l.types.anything;
            default = [ ];
          }
        );
      }
    );
    default = { };
  };
  nixos = {
    options = {
      assertions = l.mkOption {
        type = l.types.listOf l.types.anything;
        default = [ ];
      };
      environment = loose;
      networking = loose;
      systemd = {
        packages = l.mkOption { type = l.types.listOf l.types.anything; };
        services = units;
        paths = units;
      };
      users = loose;
      services.k3s = loose;
    };
    config.services.k3s.package = fakePackage "k3s";
    config.systemd.packages = [ ];
  };
  pkgs = {
    callPackage = path: _: fakePackage (l.removeSuffix ".nix" (baseNameOf path));
    coreutils = fakePackage "coreutils";
  };
  evaluated = l.evalModules {
    modules = [
      ../../nix/modules/loom-k3s.nix
      ../../nix/modules/loom-server-weaver.nix
      ../../nix/modules/weaverfs.nix
      nixos
      configuration
    ];
    specialArgs = { inherit pkgs; };
  };
  config = evaluated.config;
  ours = option: l.hasPrefix "services.loom-" option.name || l.hasPrefix "services.weaverfs." option.name;
in
{
  # One line an option: name, type, default; all as text.
  options = map (
    option:
    l.concatStringsSep "\t" [
      option.name
      option.type
      (option.default.text or (l.generators.toPretty { multiline = false; } option.default or "-"))
    ]
  ) (builtins.filter ours (l.optionAttrSetToDocList evaluated.options));

  failed = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);

  inherit (config.systemd) services paths;
  k3s = removeAttrs config.services.k3s [ "package" ];
  firewall = config.networking.firewall or { };
  groups = builtins.attrNames (config.users.groups or { });
}
