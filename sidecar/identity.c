/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/identity.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "k8s/base/error.h"
#include "sidecar/images.h"
#include "sidecar/object.h"

bool identity_is_pod(const char *cgroup)
{
	return !strncmp(cgroup, "pod", 3) || strstr(cgroup, "-pod");
}

void identity_ask(const struct scope *scope)
{
	(void)syscall(SYS_getpid, scope->nonce);
}

static int calibrate(struct object_set *s, struct scope *scope, struct scope_calibration *found,
		     struct error *e)
{
	unsigned expected, attached;
	if (getrandom(&scope->nonce, sizeof(scope->nonce), 0) != sizeof(scope->nonce))
		return error_set(e, errno, "getrandom: %s", strerror(errno));
	int r = object_load(s, &images_identity, "identity", scope, &expected, &attached, e);
	if (r)
		return error_wrap(e, r,
				  "scope: BPF cannot be used (capabilities BPF and PERFMON?)");
	identity_ask(scope);
	__u32 zero = 0;
	r = bpf_map_lookup_elem(object_map(s, "calibration"), &zero, found) ? -errno : 0;
	object_unload_last(s);
	if (r)
		return error_set(e, -r, "scope: map calibration: %s", strerror(-r));
	if (!found->tgid)
		return error_set(e, ENODATA,
				 "scope: a program on sys_exit did not see our own call");
	return 0;
}

static void describe(const struct scope_found *found, char *text, size_t size)
{
	size_t at = 0;
	for (unsigned i = 0; i < found->levels && at < size; i++)
		at += snprintf(text + at, size - at, "%s%s", i ? " in " : "", found->name[i]);
}

int identity_find(struct object_set *s, struct scope *scope, struct probes_scope *told,
		  struct error *e)
{
	static struct scope_calibration found; /* 3 KiB */
	int r = calibrate(s, scope, &found, e);
	if (r)
		return r;
	bool v1 = !found.v2.level;
	const struct scope_found *mine = v1 ? &found.v1 : &found.v2;
	unsigned at = 0;
	while (at < mine->levels && !identity_is_pod(mine->name[at]))
		at++;
	if (at == mine->levels) {
		char names[512] = "";
		describe(mine, names, sizeof(names));
		return error_set(
			e, ENOENT,
			"scope: none of our cgroups is a pod's (pod… or …-pod…): %s; nothing is "
			"recorded",
			names);
	}
	scope->pod_cgroup = mine->id[at];
	scope->pod_level = mine->level - at;
	scope->own_cgroup = mine->id[0];
	scope->own_inode = found.inode;
	scope->own_dev = found.dev;
	scope->self_tgid = found.tgid;
	scope->v1 = v1;
	*told = (struct probes_scope){ .pod_cgroup = mine->id[at],
				       .container_cgroup = mine->id[0],
				       .level = scope->pod_level,
				       .v1 = v1 };
	snprintf(told->pod, sizeof(told->pod), "%s", mine->name[at]);
	snprintf(told->container, sizeof(told->container), "%s", mine->name[0]);
	return 0;
}
