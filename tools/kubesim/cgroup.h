/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cgroup a container, <v2 root>/kubesim-<pid>/pod<uid>/<id>, as a container runtime makes them;
 * on hosts where v1 still has the memory controller, the same path there too. Without the right to
 * make cgroups everything here does nothing, and the sandbox's pid namespace alone ends processes.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct cgroup;

void cgroup_init(void); /* also removes what dead runs left behind */
void cgroup_done(void);

/* memory_bytes 0: no limit. NULL: no cgroups here. */
struct cgroup *cgroup_new(const char *pod_uid, const char *id, int64_t memory_bytes);
void cgroup_free(struct cgroup *c); /* kills what is left in it and removes it */
void cgroup_kill(const struct cgroup *c);
bool cgroup_oom_killed(const struct cgroup *c);
/* The pod's own directory, after its containers' are gone. */
void cgroup_remove_pod(const char *pod_uid);

/*
 * What makes a container's sandbox runs in a cgroup beside the pod's, and a container's process
 * joins its own as the last thing before its command, so that an audit sees the command alone;
 * kubesim is started again for that, inside the sandbox. In the child, async-signal-safe: enters
 * the first and passes the other on as descriptors CGROUP_JOIN_FD and following.
 */
void cgroup_enter(const struct cgroup *c);
#define CGROUP_TREES 2 /* v2, and v1's memory controller */
#define CGROUP_JOIN_FD 5
/* argv: "kubesim" CGROUP_JOIN COMMAND… */
#define CGROUP_JOIN "--join-cgroup"
_Noreturn void cgroup_join(char **argv);
