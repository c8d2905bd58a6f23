/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two timers: one for the sweep, one for the earliest expiry that is known. A change of a pod can
 * only bring the earliest forward, so it costs a comparison; when it was put off instead, the timer
 * comes too soon, finds nothing, and learns the next one. Only then all weavers are looked at.
 *
 * Time is the API server's, in whole seconds that are never ahead of it, and what its clock does
 * against ours is known anew with each reply: the timer is set for a minute at most.
 *
 * A weaver whose DELETE failed is kept in mind with the time of the next try; after a conflict it
 * is tried again at once when its pod has changed.
 */
#include "fs/life/reaper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/reaper_report.h"
#include "fs/life/weaver_end.h"
#include "fs/metrics.h"
#include "fs/registry.h"
#include "fs/tree/act.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook.h"
#include "k8s/base/clock.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define REAPER_PARALLEL 16
#define REAPER_DEADLINE_NS (10 * CLOCK_NS_PER_S)
#define REAPER_ARM_MAX_S 60
#define REAPER_RETRY_S 10 /* more with each failure */
#define REAPER_RETRY_MAX_S 30

/* Cluster thread, but for the report. */
struct reaper {
	struct weaverfs *fs;
	bool started;
	struct loop_timer timer, sweep;
	int64_t earliest_s; /* expiry, server's clock; INT64_MAX: none known */
	int64_t retry_ns;   /* monotonic; INT64_MAX: none */
	struct hash by_uid; /* struct reaping */
	struct list all;
	unsigned in_flight;
	bool more; /* expired ones wait for a free place */
	uint64_t scans;

	struct list waiting;  /* struct act: they want to know when this run is over */
	struct error failure; /* the first one since the first of them came */

	struct reaper_report report; /* any thread */
};

/* A weaver whose time is over, until it is gone. */
struct reaping {
	struct hash_node by_uid;
	struct list node;
	struct reaper *reaper;
	char uid[64], pod[128], name[REGISTRY_NAME_MAX], resource_version[64];
	uid_t user;
	int64_t expires_s;
	struct weaver_end *deletion; /* NULL: none under way */
	int64_t retry_ns;
	unsigned failures;
	bool conflict; /* somebody had changed the pod that resource_version is of */
	uint64_t scan; /* the last one that found it */
};

static struct reaping *find(struct reaper *r, const char *uid)
{
	hash_for_each_match(g, &r->by_uid, hash_str(uid), struct reaping, by_uid)
		if (strcmp(g->uid, uid) == 0)
			return g;
	return NULL;
}

static void reaping_free(struct reaping *g)
{
	if (g->deletion)
		weaver_end_cancel(g->deletion);
	hash_remove(&g->reaper->by_uid, &g->by_uid);
	list_remove(&g->node);
	free(g);
}

static struct reaping *reaping_new(struct reaper *r, const char *uid)
{
	_cleanup_(cleanup_free) struct reaping *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->reaper = r;
	snprintf(g->uid, sizeof(g->uid), "%s", uid);
	if (hash_insert(&r->by_uid, &g->by_uid, hash_str(uid)) < 0)
		return NULL;
	list_push_back(&r->all, &g->node);
	return move_ptr(&g);
}

/* ---- timers ---- */

static void arm(struct reaper *r)
{
	int64_t now_ns = clock_monotonic_ns(), at_ns = r->retry_ns;

	if (!r->started)
		return;
	if (r->earliest_s != INT64_MAX) {
		/* One more: expired is what is later than its last second. */
		int64_t wait_s = r->earliest_s - client_server_time(r->fs->client) + 1;

		if (wait_s > REAPER_ARM_MAX_S)
			wait_s = REAPER_ARM_MAX_S;
		if (wait_s < 0)
			wait_s = 0;
		if (now_ns + wait_s * CLOCK_NS_PER_S < at_ns)
			at_ns = now_ns + wait_s * CLOCK_NS_PER_S;
	}
	if (at_ns == INT64_MAX)
		loop_timer_cancel(&r->timer);
	else
		loop_timer_set(r->fs->loop, &r->timer, at_ns);
}

static void retry_at(struct reaper *r, int64_t at_ns)
{
	if (at_ns < r->retry_ns)
		r->retry_ns = at_ns;
}

/* ---- deleting ---- */

static void scan(struct reaper *r);
static void settle(struct reaper *r);

static void reaping_failed(struct reaping *g, const struct error *e)
{
	struct weaverfs *fs = g->reaper->fs;
	int64_t wait_s = REAPER_RETRY_S * (int64_t)++g->failures;

	if (wait_s > REAPER_RETRY_MAX_S)
		wait_s = REAPER_RETRY_MAX_S;
	g->retry_ns = clock_monotonic_ns() + wait_s * CLOCK_NS_PER_S;
	retry_at(g->reaper, g->retry_ns);
	if (g->conflict)
		return; /* nothing is wrong: the pod has changed, perhaps it was extended */
	struct reaper_report_row row = { g->name, g->pod, g->expires_s };
	reaper_report_add(&g->reaper->report, &row, e);
	if (!g->reaper->failure.code) {
		g->reaper->failure = *e;
		error_wrap(&g->reaper->failure, -e->code, "%s", g->name);
	}
	if (g->failures == 1)
		errors_add(fs->errors, g->user, "reap", g->name, e);
}

static void on_done(void *data, const struct reply *reply, const struct pod *pod)
{
	struct reaping *g = data;
	struct reaper *r = g->reaper;

	g->deletion = NULL;
	r->in_flight--;
	if (pod)
		webhook_cleaned(r->fs->webhook, pod);
	if (reply->r == 0) {
		metrics_add(r->fs->metrics, METRIC_CLEANUP_DELETED, 1);
		struct reaper_report_row row = { g->name, g->pod, g->expires_s };
		reaper_report_add(&r->report, &row, NULL);
	}
	if (reply->r == 0 || reply->r == -ENOENT) {
		reaping_free(g);
	} else {
		g->conflict = reply->http == 409;
		reaping_failed(g, &reply->error);
	}
	/* Not for each single place that becomes free: a scan looks at all weavers. */
	if (r->more && r->in_flight <= REAPER_PARALLEL / 2)
		scan(r);
	else
		arm(r);
	if (r->in_flight == 0)
		webhook_cleanup(r->fs->webhook);
	settle(r);
}

static void reap(struct reaper *r, struct reaping *g, const struct registry_entry *w)
{
	const struct pod *pod = w->pod;
	struct error e = ERROR_INIT;

	snprintf(g->pod, sizeof(g->pod), "%s", pod->name);
	snprintf(g->name, sizeof(g->name), "%s", w->name);
	snprintf(g->resource_version, sizeof(g->resource_version), "%s", pod->resource_version);
	g->user = weaver_owner(pod, r->fs->uid, r->fs->gid).uid;
	g->expires_s = weaver_expires(pod, r->fs->config);
	g->conflict = false;
	struct weaver_end_spec d = {
		.pod = pod,
		.resource_version = g->resource_version,
		.by = "ttl",
		.deadline_ns = clock_monotonic_ns() + REAPER_DEADLINE_NS,
		.on_done = on_done,
		.data = g,
	};
	g->deletion = weaver_end_start(r->fs, &d);
	if (!g->deletion) {
		error_oom(&e);
		reaping_failed(g, &e);
		return;
	}
	r->in_flight++;
}

/* Whether an earlier try forbids one now. */
static bool must_wait(const struct reaping *g, const struct pod *pod)
{
	if (g->deletion)
		return true;
	if (g->conflict && strcmp(g->resource_version, pod->resource_version) != 0)
		return false;
	return clock_monotonic_ns() < g->retry_ns;
}

static void consider(struct reaper *r, const struct registry_entry *w, int64_t now_s)
{
	int64_t expires_s = weaver_expires(w->pod, r->fs->config);

	if (now_s <= expires_s) {
		if (expires_s < r->earliest_s)
			r->earliest_s = expires_s;
		return;
	}
	struct reaping *g = find(r, w->pod->uid);
	if (g)
		g->scan = r->scans;
	if (g && must_wait(g, w->pod)) {
		if (!g->deletion)
			retry_at(r, g->retry_ns);
		return;
	}
	if (r->in_flight >= REAPER_PARALLEL) {
		r->more = true;
		return;
	}
	if (!g)
		g = reaping_new(r, w->pod->uid);
	if (!g) {
		retry_at(r, clock_monotonic_ns() + REAPER_RETRY_S * CLOCK_NS_PER_S);
		return;
	}
	g->scan = r->scans;
	if (r->in_flight == 0) {
		metrics_add(r->fs->metrics, METRIC_CLEANUP, 1);
		reaper_report_begin(&r->report, now_s);
	}
	reap(r, g, w);
}

/* Nothing is left to do that can be done now: whoever waits for that is told. */
static void settle(struct reaper *r)
{
	struct error failure = r->failure;

	if (r->in_flight > 0 || r->more)
		return;
	while (!list_empty(&r->waiting)) {
		struct act *a = list_entry(r->waiting.next, struct act, node);

		list_remove(&a->node);
		a->done(a, failure.code ? &failure : NULL);
	}
}

/* Looks at all weavers and deletes those whose time is over. */
static void scan(struct reaper *r)
{
	struct registry_entry *entries = NULL;
	size_t n = 0;

	r->earliest_s = r->retry_ns = INT64_MAX;
	r->more = false;
	r->scans++;
	if (registry_list_take(r->fs->registry, false, &entries, &n) < 0) {
		error_oom(&r->failure);
		retry_at(r, clock_monotonic_ns() + REAPER_RETRY_S * CLOCK_NS_PER_S);
		arm(r);
		settle(r);
		return;
	}
	int64_t now_s = client_server_time(r->fs->client);
	for (size_t i = 0; i < n; i++)
		consider(r, &entries[i], now_s);
	registry_list_free(entries, n);
	/* Gone some other way, or extended. */
	list_for_each(g, &r->all, struct reaping, node)
		if (g->scan != r->scans && !g->deletion)
			reaping_free(g);
	arm(r);
	settle(r);
}

static void timer_fire(struct loop_timer *t)
{
	struct reaper *r = container_of(t, struct reaper, timer);

	if (clock_monotonic_ns() >= r->retry_ns ||
	    client_server_time(r->fs->client) > r->earliest_s)
		scan(r);
	else
		arm(r);
}

static void sweep(struct reaper *r)
{
	reaper_report_swept(&r->report, client_server_time(r->fs->client));
	scan(r);
}

static void sweep_fire(struct loop_timer *t)
{
	struct reaper *r = container_of(t, struct reaper, sweep);
	int64_t interval_ns = r->fs->config->cleanup_interval_secs * CLOCK_NS_PER_S;

	loop_timer_set(r->fs->loop, &r->sweep, clock_monotonic_ns() + interval_ns);
	sweep(r);
}

void reaper_run(struct reaper *r, struct act *a)
{
	if (list_empty(&r->waiting))
		r->failure = (struct error)ERROR_INIT;
	list_push_back(&r->waiting, &a->node);
	list_for_each(g, &r->all, struct reaping, node)
		g->retry_ns = 0;
	sweep(r);
}

void reaper_show(struct reaper *r, struct buf *out)
{
	reaper_report_show(&r->report, r->fs, out);
}

/* ---- life cycle ---- */

void reaper_pod_changed(struct reaper *r, const struct pod *pod)
{
	if (pod->deleted_s)
		return;
	int64_t expires_s = weaver_expires(pod, r->fs->config);
	if (expires_s >= r->earliest_s)
		return;
	r->earliest_s = expires_s;
	arm(r);
}

void reaper_start(struct reaper *r, struct buf *warning)
{
	reaper_report_cuts(r->fs, warning);
	r->started = true;
	loop_timer_set(r->fs->loop, &r->sweep, clock_monotonic_ns());
}

int reaper_new(struct weaverfs *fs, struct reaper **ret, struct error *e)
{
	struct reaper *r = calloc(1, sizeof(*r));

	if (!r)
		return error_oom(e);
	r->fs = fs;
	r->earliest_s = r->retry_ns = INT64_MAX;
	list_init(&r->all);
	loop_timer_init(&r->timer, timer_fire);
	loop_timer_init(&r->sweep, sweep_fire);
	list_init(&r->waiting);
	reaper_report_init(&r->report);
	*ret = r;
	return 0;
}

void reaper_free(struct reaper *r)
{
	if (!r)
		return;
	loop_timer_cancel(&r->timer);
	loop_timer_cancel(&r->sweep);
	list_for_each(g, &r->all, struct reaping, node)
		reaping_free(g);
	hash_done(&r->by_uid);
	list_for_each(a, &r->waiting, struct act, node)
		list_remove(&a->node);
	reaper_report_done(&r->report);
	free(r);
}
