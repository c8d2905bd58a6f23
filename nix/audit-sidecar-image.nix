# SPDX-License-Identifier: Apache-2.0
# The audit sidecar, one static program: nix build .#audit-sidecar-image && docker load < result
{
  dockerTools,
  pkgsStatic,
  llvmPackages,
  bpftools,
  weaverfs,
}:
let
  sidecar = pkgsStatic.stdenv.mkDerivation {
    pname = "audit-sidecar";
    inherit (weaverfs) version src;
    nativeBuildInputs = [
      pkgsStatic.buildPackages.pkg-config
      llvmPackages.clang-unwrapped
      bpftools
    ];
    buildInputs = [
      pkgsStatic.libbpf
      pkgsStatic.elfutils
      pkgsStatic.zlib
      pkgsStatic.zstd
      pkgsStatic.curl
      pkgsStatic.cjson
      pkgsStatic.openssl
      pkgsStatic.libwebsockets
    ];
    buildPhase = "make O=build/release build/release/audit-sidecar";
    installPhase = "install -D -m 755 -t $out/bin build/release/audit-sidecar";
  };
in
dockerTools.buildImage {
  name = "loom-audit-sidecar";
  tag = "latest";
  copyToRoot = [ sidecar ];
  config.Entrypoint = [ "/bin/audit-sidecar" ];
}
