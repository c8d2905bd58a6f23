# SPDX-License-Identifier: Apache-2.0
# Evaluates what flake.nix offers, with packages that are names. Nothing is built.
{ lib }:
let
  l = import lib;
  fake = name: {
    inherit name;
    outPath = "/nix/store/${name}";
  };
  keep = arguments: arguments // { outPath = "/nix/store/${arguments.pname or arguments.name}"; };
  known = {
    lib = l;
    stdenv.mkDerivation = keep;
    pkgsStatic = {
      stdenv.mkDerivation = keep;
      buildPackages.pkg-config = fake "pkg-config";
    }
    // l.genAttrs [ "libbpf" "elfutils" "zlib" "zstd" "curl" "cjson" "openssl" "libwebsockets" ] fake;
    llvmPackages.clang-unwrapped = fake "clang";
    runCommand = name: _: script: fake name // { inherit script; };
    dockerTools = {
      buildImage = keep;
      buildLayeredImage = keep;
      binSh = fake "binSh";
      usrBinEnv = fake "usrBinEnv";
    };
  };
  pkgs = {
    callPackage =
      path: extra:
      let
        function = import path;
        required = l.filterAttrs (_: optional: !optional) (builtins.functionArgs function);
      in
      function (l.mapAttrs (name: _: known.${name} or (fake name)) required // extra);
    testers.runNixOSTest = test: test;
  };
  outputs = (import ../../flake.nix).outputs {
    self = outputs;
    nixpkgs = {
      lib = l;
      legacyPackages = {
        x86_64-linux = pkgs;
        aarch64-linux = pkgs;
      };
    };
  };
  packages = outputs.packages.x86_64-linux;
in
{
  names = builtins.attrNames packages;
  modules = builtins.attrNames outputs.nixosModules;
  inherit (packages.weaverfs) version makeFlags;
  weaver = {
    inherit (packages.weaver-image) name tag config;
    contents = map (package: package.name) packages.weaver-image.contents;
  };
  sidecar = { inherit (packages.audit-sidecar-image) name tag config; };
  vm = outputs.checks.x86_64-linux.vm.testScript;
}
