/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/logs/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/logs.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/pod.h"

struct audit {
	struct weaverfs *fs;
	bool always;
	struct list trails; /* struct audit_trail */
};

/* One weaver's, until its pod is gone and its trail has ended. */
struct audit_trail {
	struct list node;
	struct audit *audit;
	char uid[64];
	struct logs_keeper keeper;
	struct loop_timer ended; /* out of the keeper's callback */
	bool gone;
};

static struct audit_trail *find(struct audit *a, const char *uid)
{
	list_for_each(t, &a->trails, struct audit_trail, node)
		if (strcmp(t->uid, uid) == 0)
			return t;
	return NULL;
}

static void trail_free(struct audit_trail *t)
{
	if (t->keeper.file)
		logs_unkeep(&t->keeper, false);
	loop_timer_cancel(&t->ended);
	list_remove(&t->node);
	free(t);
}

static void keeper_changed(struct logs_keeper *k)
{
	struct audit_trail *t = container_of(k, struct audit_trail, keeper);
	bool complete;

	if (logs_kept_ended(k, &complete))
		loop_timer_set(t->audit->fs->loop, &t->ended, clock_monotonic_ns());
}

/* Of one that has ended nothing is kept open any more; that there was one is remembered. */
static void on_ended(struct loop_timer *timer)
{
	struct audit_trail *t = container_of(timer, struct audit_trail, ended);

	if (t->keeper.file)
		logs_unkeep(&t->keeper, false);
	if (t->gone)
		trail_free(t);
}

static bool is_wanted(const struct audit *a, const struct pod *pod)
{
	const struct pod_container *sidecar = weaver_sidecar(pod), *main = pod_main(pod);

	return sidecar && sidecar->state == POD_STATE_RUNNING &&
	       (a->always || (main && main->state == POD_STATE_TERMINATED));
}

static void begin(struct audit *a, const struct registry_view *v)
{
	struct audit_trail *t = calloc(1, sizeof(*t));

	if (!t)
		return;
	t->audit = a;
	snprintf(t->uid, sizeof(t->uid), "%s", v->pod->uid);
	t->keeper.changed = keeper_changed;
	list_init(&t->keeper.node);
	loop_timer_init(&t->ended, on_ended);
	list_push_back(&a->trails, &t->node);
	if (logs_keep(a->fs->logs[SPOOL_AUDIT], &t->keeper, v, false, NULL) < 0)
		trail_free(t); /* no room for a spool: the pod's next change tries again */
}

void audit_pod_changed(struct audit *a, const char *uid)
{
	struct registry_view v;

	if (find(a, uid) || registry_find_uid(a->fs->registry, uid, &v) < 0)
		return;
	if (is_wanted(a, v.pod))
		begin(a, &v);
	registry_view_done(&v);
}

void audit_pod_gone(struct audit *a, const char *uid)
{
	struct audit_trail *t = find(a, uid);

	if (!t)
		return;
	t->gone = true;
	if (!t->keeper.file)
		trail_free(t);
}

int audit_new(struct weaverfs *fs, struct audit **ret, struct error *e)
{
	struct audit *a = calloc(1, sizeof(*a));

	if (!a)
		return error_oom(e);
	a->fs = fs;
	a->always = strcmp(fs->config->audit_follow, "always") == 0;
	list_init(&a->trails);
	*ret = a;
	return 0;
}

void audit_free(struct audit *a)
{
	list_for_each(t, &a->trails, struct audit_trail, node)
		trail_free(t);
	free(a);
}
