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
#include "fs/reaper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config.h"
#include "fs/errors.h"
#include "fs/metrics.h"
#include "fs/podspec.h"
#include "fs/registry.h"
#include "fs/weaver.h"
#include "fs/weaver_end.h"
#include "fs/weaverfs.h"
#include "fs/webhook.h"
#include "k8s/base/clock.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define REAPER_PARALLEL 16
#define REAPER_DEADLINE_NS (10 * CLOCK_NS_PER_S)
#define REAPER_ARM_MAX_S 60
#define REAPER_RETRY_S 10 /* more with each failure */
#define REAPER_RETRY_MAX_S 30
#define REAPER_REPORT_MAX 65536 /* bytes of rows */
#define REAPER_WARNING_NAMES 20

/* Cluster thread, but for what the lock guards. */
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

	struct lock lock;       /* LOCK_LEAF, guards the report */
	int64_t swept_s, run_s; /* 0: never */
	unsigned deleted, failed;
	struct buf rows;
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

/* ---- the report ---- */

static void report_begin(struct reaper *r, int64_t now_s)
{
	metrics_add(r->fs->metrics, METRIC_CLEANUP, 1);
	lock_guard(&r->lock);
	r->run_s = now_s;
	r->deleted = r->failed = 0;
	buf_reset(&r->rows);
}

static void add_row(struct buf *out, const char *kind, const char *name, const char *pod,
		    int64_t expires_s)
{
	char expires[RFC3339_SECONDS_LEN + 1];

	rfc3339_format(expires_s, expires);
	buf_printf(out, "%s\t%s\t%s\t%s", kind, name, pod, expires);
}

/* e NULL: deleted. */
static void report_add(struct reaper *r, const struct reaping *g, const struct error *e)
{
	lock_guard(&r->lock);
	r->deleted += !e;
	r->failed += e != NULL;
	if (r->rows.len >= REAPER_REPORT_MAX)
		return;
	if (!e) {
		add_row(&r->rows, "deleted", g->name, g->pod, g->expires_s);
	} else {
		buf_printf(&r->rows, "failed\t%s\t%s\t%s\t", g->name, g->pod, error_name(e->code));
		buf_add_escaped(&r->rows, e->text, strlen(e->text));
	}
	buf_add_char(&r->rows, '\n');
}

/* What the weaver would have without max_ttl_hours, when that is later; else 0. */
static int64_t cut_from(const struct reaper *r, const struct pod *pod, int64_t expires_s)
{
	struct config relaxed = *r->fs->config;

	relaxed.max_ttl_hours = 10 * 365 * 24;
	int64_t wanted_s = weaver_expires(pod, &relaxed);
	return wanted_s > expires_s ? wanted_s : 0;
}

void reaper_show(struct reaper *r, struct buf *out)
{
	int64_t now_s = client_server_time(r->fs->client);
	struct registry_entry *entries = NULL;
	char time[RFC3339_SECONDS_LEN + 1];
	size_t n = 0;

	registry_list(r->fs->registry, false, &entries, &n);
	for (size_t i = 0; i < n; i++) {
		const struct registry_entry *w = &entries[i];
		int64_t expires_s = weaver_expires(w->pod, r->fs->config);
		int64_t wanted_s = cut_from(r, w->pod, expires_s);

		if (now_s > expires_s) {
			add_row(out, "would-delete", w->name, w->pod->name, expires_s);
			buf_add_char(out, '\n');
		}
		if (wanted_s) {
			rfc3339_format(wanted_s, time);
			add_row(out, "cut", w->name, w->pod->name, expires_s);
			buf_printf(out, "\t%s\n", time);
		}
	}
	registry_list_free(entries, n);

	lock_guard(&r->lock);
	if (r->swept_s) {
		rfc3339_format(r->swept_s, time);
		buf_printf(out, "last-sweep\t%s\n", time);
	}
	if (r->run_s) {
		rfc3339_format(r->run_s, time);
		buf_printf(out, "last-run\t%s\t%u\t%u\n", time, r->deleted, r->failed);
	}
	buf_add(out, r->rows.data, r->rows.len);
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
	report_add(g->reaper, g, e);
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
		report_add(r, g, NULL);
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
	if (r->in_flight == 0)
		report_begin(r, now_s);
	reap(r, g, w);
}

/* Looks at all weavers and deletes those whose time is over. */
static void scan(struct reaper *r)
{
	struct registry_entry *entries = NULL;
	size_t n = 0;

	r->earliest_s = r->retry_ns = INT64_MAX;
	r->more = false;
	r->scans++;
	if (registry_list(r->fs->registry, false, &entries, &n) < 0) {
		retry_at(r, clock_monotonic_ns() + REAPER_RETRY_S * CLOCK_NS_PER_S);
		arm(r);
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

static void sweep_fire(struct loop_timer *t)
{
	struct reaper *r = container_of(t, struct reaper, sweep);
	int64_t interval_ns = r->fs->config->cleanup_interval_secs * CLOCK_NS_PER_S;
	int64_t now_s = client_server_time(r->fs->client);
	{
		lock_guard(&r->lock);
		r->swept_s = now_s;
	}
	loop_timer_set(r->fs->loop, &r->sweep, clock_monotonic_ns() + interval_ns);
	scan(r);
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

static void warn_of_cuts(struct reaper *r, struct buf *warning)
{
	struct registry_entry *entries = NULL;
	char expires[RFC3339_SECONDS_LEN + 1], wanted[RFC3339_SECONDS_LEN + 1];
	size_t n = 0, cut = 0;

	registry_list(r->fs->registry, false, &entries, &n);
	for (size_t i = 0; i < n; i++) {
		int64_t expires_s = weaver_expires(entries[i].pod, r->fs->config);
		int64_t wanted_s = cut_from(r, entries[i].pod, expires_s);

		if (!wanted_s || ++cut > REAPER_WARNING_NAMES)
			continue;
		if (cut == 1)
			buf_printf(warning, "max_ttl_hours=%lld ends weavers before their time:",
				   (long long)r->fs->config->max_ttl_hours);
		rfc3339_format(expires_s, expires);
		rfc3339_format(wanted_s, wanted);
		buf_printf(warning, "%s %s at %s instead of %s", cut == 1 ? "" : ",",
			   entries[i].name, expires, wanted);
	}
	if (cut > REAPER_WARNING_NAMES)
		buf_printf(warning, ", and %zu more", cut - REAPER_WARNING_NAMES);
	registry_list_free(entries, n);
}

void reaper_start(struct reaper *r, struct buf *warning)
{
	warn_of_cuts(r, warning);
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
	lock_init(&r->lock, LOCK_LEAF);
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
	buf_done(&r->rows);
	lock_done(&r->lock);
	free(r);
}
