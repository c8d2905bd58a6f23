# SPDX-License-Identifier: Apache-2.0
{
  description = "Kubernetes weavers as files, and the NixOS modules that deploy them on k3s";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forAllSystems = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = forAllSystems (pkgs: rec {
        default = weaverfs;
        weaverfs = pkgs.callPackage ./nix/package.nix { };
        weaver-image = pkgs.callPackage ./nix/weaver-image.nix { };
        audit-sidecar-image = pkgs.callPackage ./nix/audit-sidecar-image.nix { inherit weaverfs; };
      });

      nixosModules = {
        default.imports = [
          ./nix/modules/loom-k3s.nix
          ./nix/modules/loom-server-weaver.nix
          ./nix/modules/weaverfs.nix
        ];
        loom-k3s = ./nix/modules/loom-k3s.nix;
        loom-server-weaver = ./nix/modules/loom-server-weaver.nix;
        weaverfs = ./nix/modules/weaverfs.nix;
      };

      checks = forAllSystems (pkgs: {
        vm = pkgs.testers.runNixOSTest (import ./nix/vm-test.nix { module = self.nixosModules.default; });
      });
    };
}
