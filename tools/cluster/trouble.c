/* SPDX-License-Identifier: Apache-2.0 */
/* See trouble.h. The order is that of doctor: each line needs what is above it. */
#include "tools/cluster/trouble.h"

#include <fnmatch.h>
#include <string.h>

#define TROUBLE_NAMESPACE_WORD "loom-weavers"

/* clang-format off */
const struct trouble trouble_table[TROUBLE_N] = {
	[TROUBLE_KERNEL] = { "kernel",
	  "weaverfs or the audit sidecar does not start on an old Linux",
	  "Linux before 5.10", NULL,
	  "update the kernel: weaverfs is tested on 5.10 and later, and the audit sidecar needs ring\n"
	  "buffers and the capability BPF, which came with 5.8" },
	[TROUBLE_FUSE_MISSING] = { "fuse",
	  "weaverfs: there is no /dev/fuse",
	  "ENOENT or ENODEV of /dev/fuse", NULL,
	  "modprobe fuse (and write fuse into /etc/modules-load.d/fuse.conf); in a container, start it\n"
	  "with --device /dev/fuse and CAP_SYS_ADMIN; a systemd unit must not have PrivateDevices=yes" },
	[TROUBLE_FUSE] = { "fuse",
	  "weaverfs: /dev/fuse cannot be opened",
	  "EACCES or EPERM of /dev/fuse", NULL,
	  "in a container: start it with --device /dev/fuse and CAP_SYS_ADMIN; in a systemd unit: it\n"
	  "must not have PrivateDevices=yes; else chmod 0666 /dev/fuse, as distributions have it" },
	[TROUBLE_FUSERMOUNT] = { "fuse",
	  "a user's own mount is refused: fusermount3 is not found",
	  "no fusermount3 in $PATH, not as root", NULL,
	  "install the package fuse3" },
	[TROUBLE_FUSE_OTHERS] = { "fuse",
	  "a user's own mount is refused: option allow_other only allowed if user_allow_other is set",
	  "fusermount3's message", NULL,
	  "echo user_allow_other >>/etc/fuse.conf, as root" },
	[TROUBLE_WEAVERFS] = { "weaverfs",
	  "weaver mount: weaverfs cannot be started",
	  "ENOENT", NULL,
	  "install weaverfs beside weaver, or where $PATH finds it: make install, or the package" },
	[TROUBLE_SETTINGS] = { "settings",
	  "weaverfs ends at its start and names a setting",
	  "EINVAL at start", NULL,
	  "mend the value where the message says it is from: the option, the variable, or\n"
	  "/etc/loom/weaverfs.yaml; weaverfs --help lists names, bounds and defaults" },
	[TROUBLE_MOUNT] = { "mount",
	  "ls: Transport endpoint is not connected",
	  "ENOTCONN", NULL,
	  "the daemon has ended. Weavers go on; mount again: systemctl restart weaverfs, or weaver mount;\n"
	  "journalctl -u weaverfs says why it ended" },
	[TROUBLE_MOUNT_REFUSED] = { "mount",
	  "ls of the mount: Permission denied",
	  "EACCES; it is another user's", NULL,
	  "it was mounted without allow_other, or below a directory that is closed to you: look as the\n"
	  "user who mounted it, or make your own: weaver mount SOURCE DIRECTORY" },
	[TROUBLE_MOUNT_DEGRADED] = { "mount",
	  "what is shown is old, and changes fail",
	  "a line in .weaverfs/health that begins with degraded", NULL,
	  "the rest of that line says why; reads go on from the cache meanwhile" },
	[TROUBLE_BTF] = { "btf",
	  "the audit sidecar cannot load its probes",
	  "no /sys/kernel/btf/vmlinux on the node", NULL,
	  "the nodes' kernel must be built with CONFIG_DEBUG_INFO_BTF=y, as those of distributions\n"
	  "since 2021 are; audit_enabled=false makes weavers without the sidecar" },
	[TROUBLE_KUBECONFIG] = { "kubeconfig",
	  "weaverfs does not know which cluster",
	  "ENOENT or EINVAL at start", NULL,
	  "name one: weaverfs KUBECONFIG DIRECTORY, or $KUBECONFIG; k3s writes\n"
	  "/etc/rancher/k3s/k3s.yaml; weaverfs kubesim DIRECTORY needs no cluster" },
	[TROUBLE_KUBECONFIG_MODE] = { "kubeconfig",
	  "permission denied on the kubeconfig",
	  "EACCES at start", NULL,
	  "it should have mode 0640 and the group loom-k3s, and you be in that group:\n"
	  "chgrp loom-k3s FILE && chmod 0640 FILE && usermod -aG loom-k3s USER, then log in again\n"
	  "(k3s: --write-kubeconfig-mode 0640; NixOS: services.loom-k3s.enable does all of it)" },
	[TROUBLE_SERVER] = { "server",
	  "the API server does not answer",
	  "EHOSTUNREACH, ETIMEDOUT; health: degraded", NULL,
	  "is it running (systemctl status k3s), is the address in the kubeconfig right, does a\n"
	  "firewall let TCP 6443 through? curl -k SERVER/readyz tells" },
	[TROUBLE_TLS] = { "server",
	  "the API server's certificate is not trusted",
	  "EPROTO", NULL,
	  "the kubeconfig is of another cluster, or older than its certificates: take it anew from the\n"
	  "server (k3s: /etc/rancher/k3s/k3s.yaml)" },
	[TROUBLE_VERSION] = { "server",
	  "weaverfs refuses an old Kubernetes",
	  "EINVAL at start", NULL,
	  "update to Kubernetes or k3s 1.30 or later: native sidecars and ValidatingAdmissionPolicy\n"
	  "are needed" },
	[TROUBLE_CREDENTIALS] = { "credentials",
	  "401 when a weaver is created; everything is refused",
	  "EACCES, Unauthorized", NULL,
	  "the credential named above has ended or is of another cluster: write a new one into that\n"
	  "file; it is read again at once. A token for the shipped account:\n"
	  "kubectl create token weaverfs --namespace loom-weavers --duration 8760h" },
	[TROUBLE_CLOCK] = { "clock",
	  "times and TTLs look wrong; fresh certificates and tokens are not valid yet",
	  "clock_skew_ms in .weaverfs/health", NULL,
	  "set this host's clock or the server's by NTP: timedatectl set-ntp true. The API server's\n"
	  "clock decides when a weaver ends" },
	[TROUBLE_NAMESPACE] = { "namespace",
	  "weaverfs: namespace loom-weavers does not exist",
	  "ENOENT at start", NULL,
	  "weaver setup makes it with all that belongs to it; bare: kubectl create namespace loom-weavers\n"
	  "(NixOS: a unit after k3s makes it, services.loom-k3s.enable)" },
	[TROUBLE_NAMESPACE_ENDS] = { "namespace",
	  "mkdir: Read-only file system",
	  "EROFS; the namespace is Terminating", NULL,
	  "somebody deletes the namespace: wait until it is gone, then weaver setup" },
	[TROUBLE_RBAC] = { "rbac",
	  "mkdir, rmdir, exec or cat of a file: Permission denied, though the directory is yours",
	  "EACCES, User \"…\" cannot …", NULL,
	  "the account of the kubeconfig lacks verbs of the shipped Role: weaver setup (as an\n"
	  "administrator) makes the Role, and the account weaverfs that has it" },
	[TROUBLE_QUOTA] = { "quota",
	  "mkdir: Disk quota exceeded",
	  "EDQUOT, exceeded quota", NULL,
	  "remove weavers (weaver ps, weaver rm); those that are terminating count for up to 7 s\n"
	  "or raise what is full: kubectl edit resourcequota --namespace loom-weavers" },
	[TROUBLE_QUOTA_SMALL] = { "quota",
	  "fewer weavers than max_concurrent find room",
	  "EDQUOT before max_concurrent is reached", NULL,
	  "a default weaver needs requests of 500m and 1Gi, limits of 1 cpu and 2Gi, and 1 pod: raise\n"
	  "the quota, or lower max_concurrent" },
	[TROUBLE_POD_SECURITY] = { "pod security",
	  "mkdir: Operation not permitted, violates PodSecurity",
	  "EPERM", NULL,
	  "the audit sidecar needs BPF and PERFMON, which the levels baseline and restricted refuse:\n"
	  "kubectl label --overwrite namespace loom-weavers pod-security.kubernetes.io/enforce=privileged\n"
	  "loom.dev/weavers=true, together with the policy that gives back what that takes: weaver setup\n"
	  "does both; audit_enabled=false makes weavers that pass restricted" },
	[TROUBLE_POLICY] = { "pod security",
	  "anything may run in the namespace; or mkdir: ValidatingAdmissionPolicy denied request",
	  "EPERM; level privileged without the policy", NULL,
	  "weaver setup makes the policy, its binding, the namespace's label loom.dev/weavers=true and\n"
	  "the ConfigMap weaver-policy with the audit_image in force" },
	[TROUBLE_PULL_SECRET] = { "pull secret",
	  "a private image is not pulled",
	  "FailedToRetrieveImagePullSecret", NULL,
	  "kubectl create secret docker-registry ghcr-secret --namespace=loom-weavers\n"
	  "--docker-server=ghcr.io --docker-username=USER --docker-password=TOKEN\n"
	  "and image_pull_secrets=ghcr-secret; the token needs read:packages" },
	[TROUBLE_LIMITS] = { "limits",
	  "mkdir: Operation not permitted, maximum (or minimum) usage per Container",
	  "EPERM, the words of a LimitRange", NULL,
	  "a LimitRange of the namespace refuses what a weaver asks for: change it, with kubectl edit\n"
	  "limitrange --namespace loom-weavers, or ask for other cpu and memory, in drafts or by pod_patch" },
	[TROUBLE_ADMISSION] = { "new weaver",
	  "mkdir: Operation not permitted, and the message names a policy or a webhook",
	  "EPERM, denied the request", NULL,
	  "that one is the cluster's own, not of weaver setup: ask who made it, its name is in the message.\n"
	  "weaverfs --pod prints the pod that was refused; pod_patch adds to it what is missing" },
	[TROUBLE_POD] = { "new weaver",
	  "mkdir: Invalid argument, and the message names a field of the pod",
	  "EINVAL, strict decoding error, is invalid", NULL,
	  "mend the field in the file pod_patch, or the setting that it is of; weaverfs --pod prints the\n"
	  "pod that was refused" },
	[TROUBLE_IMAGE_NAME] = { "image",
	  "a weaver stays pending: InvalidImageName",
	  "InvalidImageName", " InvalidImageName ",
	  "write [REGISTRY/]NAME[:TAG] or [REGISTRY/]NAME@sha256:DIGEST, the repository in lower case" },
	[TROUBLE_IMAGE] = { "image",
	  "a weaver stays pending: the image is missing or private",
	  "ErrImagePull, ImagePullBackOff", " ErrImagePull ImagePullBackOff ErrImageNeverPull RegistryUnavailable ",
	  "check the reference (file image, setting image or audit_image), and that it was pushed;\n"
	  "a private one needs a pull secret that exists, is for this registry and has not expired,\n"
	  "and the setting image_pull_secrets; what a node has already is used where the tag is not\n"
	  "latest, else with image_pull_policy=IfNotPresent" },
	[TROUBLE_ROOM] = { "weavers",
	  "a weaver stays pending: no node has room",
	  "Unschedulable", " Unschedulable ",
	  "the message is the scheduler's: ask for less in cpu and memory, remove weavers, or add a node" },
	[TROUBLE_AT_ONCE] = { "weavers",
	  "a weaver ends at once and has succeeded",
	  "Completed within 5 s", NULL,
	  "the container had nothing to do: its command ended, or it is a shell without stdin and tty;\n"
	  "its last line is in logs" },
	[TROUBLE_KILLED] = { "weavers",
	  "a weaver was killed",
	  "OOMKilled, DeadlineExceeded, Evicted", " OOMKilled DeadlineExceeded Evicted ",
	  "reason names the limit in force: make it again with more memory, less on disk, or renew\n"
	  "ttl in time (max_ttl_hours)" },
	[TROUBLE_ROOT_USER] = { "weavers",
	  "a weaver does not start: its image runs as root",
	  "CreateContainerConfigError, runAsNonRoot", " CreateContainerConfigError ",
	  "build the image with a numeric user: USER 1000:1000", .message = "*@(runAsNonRoot|non-root)*" },
	[TROUBLE_REFERENCE] = { "weavers",
	  "a weaver does not start: a secret or a ConfigMap is not there",
	  "CreateContainerConfigError, not found", " CreateContainerConfigError ",
	  "make what the message names, with the key that it names; the weaver goes on then. pod_patch, a\n"
	  "draft's secrets, audit_token_secret and audit_ca_secret put such names into a pod" },
	[TROUBLE_CONFIG] = { "weavers",
	  "a weaver does not start: its program is not there",
	  "StartError, RunContainerError", " StartError RunContainerError CreateContainerError ",
	  "check command, args and workdir against the image" },
	[TROUBLE_CLONE] = { "weavers",
	  "a weaver ends with exit code 65",
	  "exit_code 65", NULL,
	  "the entrypoint could not clone: see the end of logs, check repo, branch and credentials" },
	[TROUBLE_SIDECAR] = { "audit sidecar",
	  "a weaver stays pending: its audit sidecar does not start",
	  "Init: states, Unhealthy", NULL,
	  "its last line says why: kubectl logs POD -c audit-sidecar --namespace loom-weavers\n"
	  "it needs BTF on the node, the capabilities BPF and PERFMON (Pod Security), and its image;\n"
	  "audit_enabled=false makes weavers without it" },
};
/* clang-format on */

void trouble_add_cure(enum trouble_id id, const char *namespace_, struct buf *out)
{
	const char *text = trouble_table[id].cure, *at;

	for (; (at = strstr(text, TROUBLE_NAMESPACE_WORD));
	     text = at + strlen(TROUBLE_NAMESPACE_WORD)) {
		buf_add(out, text, (size_t)(at - text));
		buf_add_str(out, namespace_);
	}
	buf_add_str(out, text);
}

enum trouble_id trouble_of_reason(const char *word, const char *message, bool init)
{
	char padded[80];

	snprintf(padded, sizeof(padded), " %.70s ", word);
	for (int id = 0; id < TROUBLE_N; id++) {
		const struct trouble *t = &trouble_table[id];
		if (t->words && strstr(t->words, padded) &&
		    (!t->message || fnmatch(t->message, message, FNM_EXTMATCH) == 0))
			return (enum trouble_id)id;
	}
	return init ? TROUBLE_SIDECAR : TROUBLE_N;
}

static void trouble_print_cell(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text == '|')
			fputs("\\|", to);
		else
			fputc(*text == '\n' ? ' ' : *text, to);
	}
}

void trouble_print_table(FILE *to)
{
	fputs("| doctor's name | symptom | seen as | what to do |\n|---|---|---|---|\n", to);
	for (int id = 0; id < TROUBLE_N; id++) {
		const struct trouble *t = &trouble_table[id];
		const char *const cells[] = { t->name, t->symptom, t->seen, t->cure };
		for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
			fputs("| ", to);
			trouble_print_cell(cells[i], to);
			fputc(' ', to);
		}
		fputs("|\n", to);
	}
}
