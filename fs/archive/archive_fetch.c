/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod whose containers have ended is removed at once by its DELETE, log and all, whoever sends
 * it. So the log of each weaver that ends by itself is read into its spool when it ends, 8 at once;
 * a DELETE of ours waits for it, ahead of those that nobody waits for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/archive/archive_private.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"

#define PARALLEL_MAX 8

/* One weaver that has ended, until its pod is gone. */
struct archive_fetch {
	struct list node; /* archive.fetches, in the order of their ends */
	struct archive *archive;
	char uid[64];
	struct logs_keeper keeper; /* under way while it keeps something */
	struct loop_timer ended;   /* out of the keeper's callback */
	bool done;                 /* here, or not to be had */
	bool complete;
	struct list waits; /* struct archive_fetch_wait */
};

static struct archive_fetch *find(struct archive *a, const char *uid)
{
	list_for_each(f, &a->fetches, struct archive_fetch, node)
		if (strcmp(f->uid, uid) == 0)
			return f;
	return NULL;
}

static void answer(struct archive_fetch *f)
{
	while (!list_empty(&f->waits)) {
		struct archive_fetch_wait *w =
			list_entry(f->waits.next, struct archive_fetch_wait, node);

		archive_fetch_cancel(w);
		w->done(w);
	}
}

static void finish(struct archive_fetch *f)
{
	if (f->keeper.file) {
		f->archive->n_fetching--;
		logs_unkeep(&f->keeper, false);
	}
	loop_timer_cancel(&f->ended);
	f->done = true;
}

static void fetch_free(struct archive_fetch *f)
{
	finish(f);
	list_remove(&f->node);
	answer(f);
	free(f);
}

static void keeper_changed(struct logs_keeper *k)
{
	struct archive_fetch *f = container_of(k, struct archive_fetch, keeper);
	bool complete;

	if (logs_kept_ended(k, &complete))
		loop_timer_set(f->archive->fs->loop, &f->ended, clock_monotonic_ns());
}

static void start(struct archive_fetch *f)
{
	struct archive *a = f->archive;
	struct registry_view v;
	int r = registry_find_uid(a->fs->registry, f->uid, &v);

	if (r == 0) {
		r = logs_keep(a->fs->logs[SPOOL_LOGS], &f->keeper, &v, false, NULL);
		registry_view_done(&v);
	}
	if (r < 0) {
		f->done = true; /* gone meanwhile, or no room for a spool */
		return;
	}
	a->n_fetching++;
	keeper_changed(&f->keeper);
}

static void start_next(struct archive *a)
{
	list_for_each(f, &a->fetches, struct archive_fetch, node) {
		if (a->n_fetching >= PARALLEL_MAX)
			return;
		if (!f->done && !f->keeper.file)
			start(f);
	}
}

static void on_ended(struct loop_timer *t)
{
	struct archive_fetch *f = container_of(t, struct archive_fetch, ended);

	if (logs_kept_ended(&f->keeper, &f->complete)) {
		finish(f);
		start_next(f->archive);
		answer(f);
	}
}

static bool has_ended(const struct pod *pod)
{
	enum weaver_status status = weaver_outcome(pod);

	return status == WEAVER_SUCCEEDED || status == WEAVER_FAILED;
}

static struct archive_fetch *fetch_new(struct archive *a, const char *uid)
{
	struct archive_fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->archive = a;
	snprintf(f->uid, sizeof(f->uid), "%s", uid);
	f->keeper.changed = keeper_changed;
	list_init(&f->keeper.node);
	list_init(&f->waits);
	loop_timer_init(&f->ended, on_ended);
	list_push_back(&a->fetches, &f->node);
	return f;
}

void archive_fetch_pod_changed(struct archive *a, const struct registry_view *v)
{
	struct archive_fetch *f = find(a, v->pod->uid);

	if (f && !has_ended(v->pod))
		fetch_free(f); /* somebody's pod that restarts its container */
	else if (!f && has_ended(v->pod) && fetch_new(a, v->pod->uid))
		start_next(a);
}

void archive_fetch_forget(struct archive *a, const char *uid)
{
	struct archive_fetch *f = find(a, uid);

	if (!f)
		return;
	fetch_free(f);
	start_next(a);
}

bool archive_fetch_complete(struct archive *a, const char *uid)
{
	const struct archive_fetch *f = find(a, uid);

	return f && f->complete;
}

void archive_fetch_free(struct archive *a)
{
	list_for_each(f, &a->fetches, struct archive_fetch, node)
		fetch_free(f);
}

/* ---- waiting ---- */

static void wait_late(struct loop_timer *t)
{
	struct archive_fetch_wait *w = container_of(t, struct archive_fetch_wait, deadline);

	archive_fetch_cancel(w);
	w->done(w);
}

bool archive_fetch_wait(struct archive *a, const struct pod *pod, struct archive_fetch_wait *w,
			int64_t deadline_ns)
{
	struct archive_fetch *f = a->dir && has_ended(pod) ? find(a, pod->uid) : NULL;

	if (f && !f->done && !f->keeper.file)
		start(f);
	if (!f || f->done)
		return false;
	loop_timer_init(&w->deadline, wait_late);
	loop_timer_set(a->fs->loop, &w->deadline, deadline_ns);
	list_push_back(&f->waits, &w->node);
	return true;
}

void archive_fetch_cancel(struct archive_fetch_wait *w)
{
	if (!w->node.next)
		return;
	list_remove(&w->node);
	loop_timer_cancel(&w->deadline);
}
