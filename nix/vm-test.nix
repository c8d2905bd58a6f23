# SPDX-License-Identifier: Apache-2.0
# nix flake check: the modules in a virtual machine with a real k3s. The machine has no network, so
# no image can be pulled: what is shown is that the weaver's pod is accepted and says why it waits.
{ module }:
{
  name = "weaverfs";

  nodes.machine =
    { pkgs, ... }:
    {
      imports = [ module ];
      virtualisation.memorySize = 3072;
      virtualisation.diskSize = 8192;
      environment.systemPackages = [ pkgs.jq ];
      environment.etc."github-token".text = "not-a-real-token";
      services.loom-k3s = {
        enable = true;
        ghcrSecret = {
          enable = true;
          username = "someone";
          tokenFile = "/etc/github-token";
        };
      };
      services.loom-server.weaver = {
        enable = true;
        imagePullSecrets = [ "ghcr-secret" ];
        maxConcurrent = 7;
      };
    };

  testScript = ''
    kubectl = "k3s kubectl --kubeconfig /etc/rancher/k3s/k3s.yaml -n loom-weavers "
    machine.wait_for_unit("k3s.service")
    machine.wait_for_unit("loom-k3s-namespace.service")
    machine.succeed("test $(stat -c %a:%G /etc/rancher/k3s/k3s.yaml) = 640:loom-k3s")
    machine.wait_until_succeeds(kubectl + "get secret ghcr-secret")
    machine.wait_for_unit("weaverfs.service")
    machine.succeed("grep -q '^max_concurrent=7  # env$' /mnt/weavers/.weaverfs/config")

    machine.succeed("mkdir /mnt/weavers/hello")
    pod = machine.succeed("cat /mnt/weavers/hello/pod").strip()
    machine.succeed(kubectl + "get pod " + pod)
    machine.wait_until_succeeds("grep -q . /mnt/weavers/hello/reason")
    # The policy gives the audit sidecar its capabilities, and nobody else.
    machine.fail(kubectl + "run root --image=x --privileged")

    machine.succeed("systemctl restart weaverfs && test -d /mnt/weavers/hello")
    machine.succeed("rmdir /mnt/weavers/hello")
    machine.wait_until_succeeds("! " + kubectl + "get pod " + pod)
    machine.shutdown()
  '';
}
