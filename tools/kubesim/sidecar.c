/* SPDX-License-Identifier: Apache-2.0 */
/* See sidecar.h. Whether the kernel lets us is found out once, by making a map of BPF. */
#include "tools/kubesim/sidecar.h"

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "k8s/base/beside.h"

static char path[PATH_MAX];

static const char *find(void)
{
	const char *given = getenv("KUBESIM_AUDIT_SIDECAR");
	bool found = given ? access(given, X_OK) == 0 : beside_find("audit-sidecar", path);

	if (given)
		snprintf(path, sizeof(path), "%s", given);
	return found ? NULL : "kubesim has no audit-sidecar beside it";
}

static const char *try_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	if (geteuid() != 0)
		return "kubesim does not run as root";
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return "this kernel has no BTF";
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return "BPF cannot be loaded here";
	close((int)fd);
	return NULL;
}

const char *sidecar_binary(const char **ret_why)
{
	static bool known;
	static const char *why;

	if (!known)
		why = try_bpf();
	if (!known && !why)
		why = find();
	known = true;
	if (ret_why)
		*ret_why = why;
	return why ? NULL : path;
}
