/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs there are for which kind of events, and which of them this kernel takes. For each
 * kind hooks come first; where one of them is refused, all of that kind are taken away again and
 * sys_exit does it: half of each would tell things twice.
 */
#include "sidecar/probes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/call_handlers.h"
#include "sidecar/identity.h"
#include "sidecar/images.h"
#include "sidecar/object.h"
#include "sidecar/rings.h"

#define RING_BYTES (8UL << 20)
#define CRITICAL_RING_BYTES (256UL << 10)
#define BIT(group) (1U << CALLS_##group)

struct plan {
	const char *name;
	const struct object_image *hooks; /* NULL: there are none */
	const char *hooks_are;
	const struct object_image *calls; /* handlers of sys_exit; NULL: there are none */
	unsigned always;                  /* calls that sys_exit has to see in any case */
	unsigned fallback;                /* and where there are no hooks */
	size_t hooked; /* where struct scope has to say that there are; 0: need not */
};

/* clang-format off */
static const struct plan plans[] = {
	/* the one that jumps to the others comes first */
	{ "calls", NULL, NULL, &images_calls, BIT(PROCESS), 0, 0 },
	{ "process", &images_process, "tracepoint", NULL, 0, 0, 0 },
	{ "file", &images_file, "fentry", &images_calls_file,
	  BIT(XATTR), BIT(OPEN) | BIT(IO) | BIT(PATH) | BIT(ATTR), 0 },
	{ "network", &images_network, "fentry", &images_calls_net, 0, BIT(NET), 0 },
	{ "dns", &images_dns, "fentry", &images_calls_dns, BIT(DNS), 0,
	  offsetof(struct scope, datagrams_hooked) },
	{ "privilege", &images_privilege, "fentry", &images_calls_privilege, BIT(PRIVILEGE), 0,
	  offsetof(struct scope, creds_hooked) },
	{ "memory", &images_memory, "fentry", &images_calls_memory, 0, BIT(MEMORY), 0 },
	{ "escape", &images_escape, "fentry", &images_calls_escape, BIT(ESCAPE), 0, 0 },
	/* the last: only where those above could not hook what it would do unseen */
	{ "io_uring", &images_uring, "tracepoint", NULL, 0, 0, 0 },
};
/* clang-format on */

struct probes {
	struct object_set set;
	struct scope scope;
	struct probes_scope told;
	struct rings *rings;
	bool only_fallback;
	unsigned audited; /* groups of calls */
	struct probes_group group[ARRAY_SIZE(plans)];
	char reason[ARRAY_SIZE(plans)][512];
	struct probes_program program[PROGRAMS_MAX];
};

static bool is_hooked(const struct probes_group *g)
{
	return !strcmp(g->means, "fentry");
}

static void say_why(struct probes *p, unsigned i, const char *text)
{
	size_t len = strlen(p->reason[i]);
	snprintf(p->reason[i] + len, sizeof(p->reason[i]) - len, "%s%.240s", len ? "; " : "", text);
}

static void hooks_load(struct probes *p, unsigned i)
{
	const struct plan *plan = &plans[i];
	struct probes_group *g = &p->group[i];
	struct error e = ERROR_INIT;
	if (p->only_fallback && !strcmp(plan->hooks_are, "fentry")) {
		say_why(p, i, "hooks: not asked for");
	} else if (object_load(&p->set, plan->hooks, plan->name, &p->scope, &g->expected,
			       &g->attached, &e)) {
		say_why(p, i, e.text);
	} else {
		g->means = plan->hooks_are;
		if (plan->hooked)
			*(__u32 *)((char *)&p->scope + plan->hooked) = 1;
		return;
	}
	g->attached = 0;
	/* what others can do in their place is not missing */
	if (plan->calls)
		g->expected = 0;
}

static void calls_load(struct probes *p, unsigned i)
{
	const struct plan *plan = &plans[i];
	struct probes_group *g = &p->group[i];
	struct error e = ERROR_INIT;
	unsigned expected, attached;
	int r = object_load(&p->set, plan->calls, plan->name, &p->scope, &expected, &attached, &e);
	g->expected += expected;
	if (r) {
		say_why(p, i, e.text);
		return;
	}
	g->attached += attached;
	p->audited |= plan->always | (is_hooked(g) ? 0 : plan->fallback);
	if (!is_hooked(g))
		g->means = "sys_exit";
}

static void group_load(struct probes *p, unsigned i)
{
	const struct plan *plan = &plans[i];
	struct probes_group *g = &p->group[i];
	*g = (struct probes_group){ .name = plan->name, .means = "none", .reason = p->reason[i] };
	if (plan->hooks)
		hooks_load(p, i);
	if (plan->calls && (!is_hooked(g) || plan->always))
		calls_load(p, i);
}

/* Whether files and sockets are hooked, by whatever they are used. */
static bool uring_is_seen(struct probes *p)
{
	bool seen = true;
	for (unsigned i = 0; i < ARRAY_SIZE(plans); i++)
		if (plans[i].hooks == &images_file || plans[i].hooks == &images_network)
			seen &= is_hooked(&p->group[i]);
	return seen;
}

static void groups_load(struct probes *p)
{
	const unsigned uring = ARRAY_SIZE(plans) - 1;
	for (unsigned i = 0; i < uring; i++)
		group_load(p, i);
	if (!uring_is_seen(p))
		group_load(p, uring);
	else
		p->group[uring] = (struct probes_group){ .name = plans[uring].name,
							 .means = "fentry",
							 .reason = "" };
}

static int probes_load(struct probes *p, struct error *e)
{
	int r = identity_find(&p->set, &p->scope, &p->told, e);
	if (r)
		return r;
	groups_load(p);
	bool any = false;
	for (unsigned i = 0; i < ARRAY_SIZE(plans); i++)
		any |= p->group[i].attached;
	if (!any)
		return error_set(e, EPERM, "probes: not one could be attached: %s", p->reason[0]);
	r = call_handlers_audit(object_map(&p->set, "calls"), p->audited, e);
	return r ? r : rings_open(&p->rings, &p->set, e);
}

int probes_open(struct probes **ret, const struct probes_options *options, struct error *e)
{
	struct probes *p = calloc(1, sizeof(*p));
	if (!p)
		return error_oom(e);
	int r = object_set_init(&p->set, e);
	if (!r) {
		p->set.ring_bytes = options->ring_bytes ? options->ring_bytes : RING_BYTES;
		p->set.critical_ring_bytes = options->critical_ring_bytes
						     ? options->critical_ring_bytes
						     : CRITICAL_RING_BYTES;
		p->scope.half = p->set.ring_bytes / 2;
		p->only_fallback = options->only_fallback;
		r = probes_load(p, e);
	}
	if (r) {
		probes_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

void probes_close(struct probes *p)
{
	if (!p)
		return;
	rings_close(p->rings);
	object_set_done(&p->set);
	free(p);
}

int probes_snapshot(struct probes *p, struct error *e)
{
	unsigned expected, attached;
	int r = object_load(&p->set, &images_snapshot, "snapshot", &p->scope, &expected, &attached,
			    e);
	if (r)
		return error_wrap(e, r, "snapshot");
	identity_ask(&p->scope);
	object_unload_last(&p->set);
	object_set_seal(&p->set);
	return 0;
}

int probes_poll(struct probes *p, int timeout_ms, probes_event_fn *fn, void *arg, struct error *e)
{
	return rings_poll(p->rings, timeout_ms, fn, arg, e);
}

int probes_fd(const struct probes *p)
{
	return rings_fd(p->rings);
}

const struct probes_group *probes_groups(const struct probes *p, size_t *n)
{
	*n = ARRAY_SIZE(plans);
	return p->group;
}

static uint64_t misses(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.recursion_misses;
}

const struct probes_program *probes_programs(struct probes *p, size_t *n)
{
	for (unsigned i = 0; i < p->set.programs; i++) {
		const struct object_program *from = &p->set.program[i];
		p->program[i] = (struct probes_program){
			.name = from->name,
			.group = from->group,
			.attached = from->attached,
			.recursion_misses = misses(bpf_program__fd(from->program)),
		};
	}
	*n = p->set.programs;
	return p->program;
}

int probes_counters(struct probes *p, struct probes_counters *ret, struct error *e)
{
	return rings_counters(p->rings, ret, e);
}

const struct probes_scope *probes_scope(const struct probes *p)
{
	return &p->told;
}
