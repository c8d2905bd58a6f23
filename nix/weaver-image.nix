# SPDX-License-Identifier: Apache-2.0
# What a weaver runs: nix build .#weaver-image && docker load < result
#
# The Loom CLI is somebody else's and not in here; weaver-image.override { loomCli = drv; } adds a
# package with bin/loom. Without one a weaver is a shell.
{
  lib,
  dockerTools,
  runCommand,
  bashInteractive,
  btop,
  cacert,
  coreutils,
  curl,
  direnv,
  gh,
  git,
  gnugrep,
  gnused,
  jq,
  neovim,
  openssh,
  tmux,
  loomCli ? null,
}:
let
  entrypoint = runCommand "weaver-entrypoint" { } ''
    install -D -m 755 ${../docker/weaver-entrypoint.sh} $out/entrypoint.sh
  '';
in
dockerTools.buildLayeredImage {
  name = "loom-weaver";
  tag = "latest";

  contents = [
    bashInteractive
    btop
    cacert
    coreutils
    curl
    direnv
    dockerTools.binSh
    dockerTools.usrBinEnv
    entrypoint
    gh
    git
    gnugrep
    gnused
    jq
    neovim
    openssh # its sftp-server
    tmux
  ]
  ++ lib.optional (loomCli != null) loomCli;

  fakeRootCommands = ''
    mkdir -p etc home/loom workspace tmp
    echo 'root:x:0:0:root:/root:/bin/bash' > etc/passwd
    echo 'loom:x:1000:1000:loom:/home/loom:/bin/bash' >> etc/passwd
    printf 'root:x:0:\nloom:x:1000:\n' > etc/group
    chown 1000:1000 home/loom workspace
    chmod 1777 tmp
  '';

  config = {
    Entrypoint = [ "/entrypoint.sh" ];
    User = "1000:1000";
    WorkingDir = "/workspace";
    Env = [
      "HOME=/home/loom"
      "USER=loom"
      "TERM=xterm-256color"
      "SSL_CERT_FILE=${cacert}/etc/ssl/certs/ca-bundle.crt"
      "PATH=/bin"
    ];
  };
}
