# SPDX-License-Identifier: Apache-2.0
# weaverfs, weaver, kubesim, their unit files, manual pages and manifests.
{
  lib,
  stdenv,
  pkg-config,
  fuse3,
  curl,
  cjson,
  libyaml,
  libwebsockets,
  openssl,
  zlib,
  bubblewrap,
  makeWrapper,
}:
let
  versionLine = builtins.match ".*\nVERSION := ([0-9.]+)\n.*" (builtins.readFile ../Makefile);
in
stdenv.mkDerivation {
  pname = "weaverfs";
  version = builtins.head versionLine;

  # What changes no program is left out, so that it builds none anew.
  src = lib.cleanSourceWith {
    src = ../.;
    filter = path: type: !(builtins.elem (baseNameOf path) [ ".git" "build" "nix" ]);
  };

  nativeBuildInputs = [
    pkg-config
    makeWrapper
  ];
  buildInputs = [
    fuse3
    curl
    cjson
    libyaml
    libwebsockets
    openssl
    zlib
  ];

  enableParallelBuilding = true;
  makeFlags = [
    "PREFIX=$(out)"
    "SYSCONFDIR=$(out)/etc"
    "UNITDIR=$(out)/lib/systemd/system"
    "SYSUSERSDIR=$(out)/lib/sysusers.d"
    "TMPFILESDIR=$(out)/lib/tmpfiles.d"
    "SBINDIR=$(out)/bin"
  ];

  # Not the audit sidecar, which is an image of its own and has a compiler for the kernel's programs.
  buildFlags = map (program: "build/release/${program}") [
    "weaverfs"
    "kubesim"
    "weaver"
    "weaver-cluster"
  ];

  # kubesim's pods are sandboxes of bubblewrap.
  postInstall = ''
    wrapProgram $out/bin/kubesim --prefix PATH : ${lib.makeBinPath [ bubblewrap ]}
  '';

  meta = {
    description = "Kubernetes weavers as files";
    license = lib.licenses.asl20;
    platforms = lib.platforms.linux;
    mainProgram = "weaverfs";
  };
}
