/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open is a question to the stream, "is all of it here?"; its answer, 2 s, or a signal ends the
 * open's wait. An open that comes while a question is out waits for the next one: the answer may be
 * about the time before it.
 *
 * A spool that cannot be written (a full disk) loses nothing: the stream is given up and begins
 * again from the spool's position later.
 */
#include "fs/logs/log_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr/attr.h"
#include "fs/errors.h"
#include "fs/logs/spool.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/stream/park.h"
#include "fs/stream/stream.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/pod.h"
#include "k8s/request.h"

#define LOG_WAIT_NS (2 * CLOCK_NS_PER_S)  /* filesystem.md rule 9 */
#define LOG_IDLE_NS (60 * CLOCK_NS_PER_S) /* filesystem.md §5, State */
#define LOG_RETRY_NS (5 * CLOCK_NS_PER_S) /* after a failed append */

static bool is_unused(const struct log_file *f)
{
	return f->opens == 0 && list_empty(&f->asked) && list_empty(&f->later) &&
	       list_empty(&f->keepers);
}

static void close_stream(struct log_file *f)
{
	if (f->stream)
		f->source->stop(f->stream);
	f->stream = NULL;
	f->asking = false;
}

void log_file_free(struct log_file *f)
{
	close_stream(f);
	loop_timer_cancel(&f->timer);
	list_remove(&f->node);
	/* What is gone for good leaves no file behind, once its last reader has gone too. */
	if (f->gone && !f->spared)
		spool_discard(f->spool);
	spool_unref(f->spool);
	pod_unref(f->pod);
	buf_done(&f->gaps);
	free(f);
}

void log_file_left(struct log_file *f)
{
	if (!is_unused(f))
		return;
	/* One that was only fetched for the archive needs no file descriptors until then. */
	bool fetched = f->ended && !f->opened;
	if (fetched && !f->gone)
		registry_set_spool(f->fs->registry, f->uid, f->source->kind, NULL);
	if (f->gone || fetched)
		log_file_free(f);
	else if (!f->failed)
		loop_timer_set(f->fs->loop, &f->timer, clock_monotonic_ns() + LOG_IDLE_NS);
}

void log_file_answer(struct log_opening *o, const struct error *e)
{
	struct log_file *f = o->file;
	fuse_req_t req = park_take(o->park);
	struct error oom = ERROR_INIT;
	struct spool *spool = NULL;

	list_remove(&o->node);
	loop_timer_cancel(&o->deadline);
	if (!e && logs_reserve_release(o->logs) < 0) {
		error_oom(&oom);
		e = &oom;
	}
	if (!e) {
		f->opens++;
		f->opened = true;
		spool = spool_ref(f->spool);
	}
	o->opened(o->data, req, spool, e);
	free(o);
}

/* What could not be read now is no reason to keep back what was read before. */
static void openings_answer(struct log_file *f, struct list *openings, const struct error *e)
{
	struct error wrapped;

	if (e && spool_size(f->spool) > 0)
		e = NULL;
	if (e) {
		wrapped = *e;
		error_wrap(&wrapped, -e->code, "%s of %s", f->source->file, f->name);
		e = &wrapped;
	}
	while (!list_empty(openings))
		log_file_answer(list_entry(openings->next, struct log_opening, node), e);
}

static void opening_late(struct loop_timer *t)
{
	struct log_opening *o = container_of(t, struct log_opening, deadline);
	struct log_file *f = o->file;
	struct list alone = LIST_INIT(alone);
	struct error e = ERROR_INIT;

	if (f->failed)
		e = f->why;
	else if (!client_away(f->fs->client, &e))
		error_set(&e, ETIMEDOUT, "the node has not answered within 2 s");
	else if (!e.code)
		error_set(&e, EHOSTUNREACH, "the API server is away");
	list_remove(&o->node);
	list_push_back(&alone, &o->node);
	openings_answer(f, &alone, &e);
	log_file_left(f);
}

/* ---- the stream ---- */

static void note_failure(struct log_file *f, const struct error *e)
{
	struct weaverfs *fs = f->fs;
	char path[REGISTRY_NAME_MAX + 8];

	if (!f->why.code) {
		snprintf(path, sizeof(path), "%s/%s", f->name, f->source->file);
		errors_add(fs->errors, fs->uid, f->source->file, path, e);
	}
	f->why = *e;
	f->failed = true;
	loop_timer_set(fs->loop, &f->timer, clock_monotonic_ns() + LOG_RETRY_NS);
}

/* There is more, or the end. */
static void tell(struct log_file *f)
{
	list_for_each(k, &f->keepers, struct logs_keeper, node)
		k->changed(k);
	stream_wake(f->fs->streams, f->object);
	poke_grown(f->fs->poke, f->object, table_find(f->source->file, ATTR_LIVE, NULL));
}

static int append(struct log_file *f, const char *bytes, size_t len, const struct log_position *pos)
{
	struct error e = ERROR_INIT;
	int r = spool_append(f->spool, bytes, len, pos, &e);

	if (r < 0) {
		note_failure(f, &e);
		return r;
	}
	f->why.code = 0;
	f->position = *pos;
	tell(f);
	return 0;
}

/*
 * A gap line goes in with the first lines behind the gap: alone it would be there twice after a
 * kill -9 in between, since the position is still the one before the gap.
 */
static int on_lines(void *data, const char *bytes, size_t len, const struct log_position *pos)
{
	struct log_file *f = data;

	if (f->gaps.len == 0)
		return append(f, bytes, len, pos);
	_cleanup_(buf_done) struct buf both = BUF_INIT;

	buf_add(&both, f->gaps.data, f->gaps.len);
	buf_add(&both, bytes, len);
	int r = buf_error(&both);
	if (r == 0)
		r = append(f, both.data, both.len, pos);
	if (r == 0)
		buf_reset(&f->gaps);
	return r;
}

void log_file_gap_line(struct buf *out, int64_t from_ns, int64_t to_ns)
{
	char from[RFC3339_NANOS_LEN + 1], to[RFC3339_NANOS_LEN + 1];

	rfc3339_format_nanos(from_ns, from);
	rfc3339_format_nanos(to_ns, to);
	buf_printf(out, "[weaverfs: gap %s .. %s]\n", from, to);
}

static void on_gap(void *data, int64_t from_ns, int64_t to_ns)
{
	struct log_file *f = data;

	log_file_gap_line(&f->gaps, from_ns, to_ns);
	metrics_add(f->fs->metrics, METRIC_LOG_GAPS, 1);
}

/* No lines follow: the end of the log is missing. */
static void flush_gaps(struct log_file *f)
{
	if (f->gaps.len > 0 && append(f, f->gaps.data, f->gaps.len, &f->position) == 0)
		buf_reset(&f->gaps);
}

/* The id lives in f->pod, which only log_file_pod_changed() replaces. */
static const char *on_container(void *data, bool *ret_terminated, bool *ret_gone)
{
	const struct log_file *f = data;
	const struct pod_container *c = f->source->container(f->pod);

	*ret_gone = f->gone;
	*ret_terminated = !c || f->source->over(f->pod);
	return c ? f->source->id(f->pod) : "";
}

static void on_caught_up(void *data, int r, const struct error *e)
{
	struct log_file *f = data;
	bool terminated, gone;

	/* A last line without its newline comes with ended() alone, which is near. */
	on_container(f, &terminated, &gone);
	if (r == 0 && terminated)
		return;
	f->asking = false;
	openings_answer(f, &f->asked, r < 0 ? e : NULL);
	if (!list_empty(&f->later)) {
		while (!list_empty(&f->later)) {
			struct list *first = f->later.next;

			list_remove(first);
			list_push_back(&f->asked, first);
		}
		f->asking = true;
		f->source->refresh(f->stream);
	}
	log_file_left(f);
}

/* The pod was gone before its log could be read to the end. */
static void note_cut(struct log_file *f)
{
	const struct pod_container *c = f->source->container(f->pod);
	int64_t begun_s = c && c->started_s ? c->started_s : f->pod->created_s;

	f->source->cut_line(f->spool, &f->position, begun_s * CLOCK_NS_PER_S, &f->gaps);
	metrics_add(f->fs->metrics, METRIC_LOG_GAPS, 1);
}

static void on_ended(void *data)
{
	struct log_file *f = data;

	f->cut = !f->source->complete(f->stream, f->spool);
	if (f->cut)
		note_cut(f);
	flush_gaps(f);
	f->ended = !f->failed; /* else the stream begins again, and ends again */
	close_stream(f);
	openings_answer(f, &f->asked, NULL);
	openings_answer(f, &f->later, NULL);
	tell(f);
	log_file_left(f);
}

static const struct log_stream_ops stream_ops = {
	.lines = on_lines,
	.gap = on_gap,
	.caught_up = on_caught_up,
	.ended = on_ended,
	.container = on_container,
};

static int start_stream(struct log_file *f, struct error *e)
{
	if (!f->source->container(f->pod))
		return error_set(e, ENODATA, "%s", f->source->none);
	int r = f->source->start(f, &stream_ops, &f->stream, e);
	f->asking = r == 0;
	return r;
}

/* Not wanted any more, or to begin again after a failed append. */
static void file_timer(struct loop_timer *t)
{
	struct log_file *f = container_of(t, struct log_file, timer);
	struct error e = ERROR_INIT;

	bool wanted = f->stream || f->failed;

	close_stream(f);
	f->failed = false;
	if (is_unused(f) || !wanted)
		return;
	if (start_stream(f, &e) < 0)
		note_failure(f, &e);
}

/* v may be of the number that belongs to its id. */
static uint64_t own_number(struct weaverfs *fs, const struct registry_view *v)
{
	uint64_t object = v->object;
	struct registry_view own;

	if (registry_find_uid(fs->registry, v->pod->uid, &own) < 0)
		return object;
	object = own.object;
	registry_view_done(&own);
	return object;
}

int log_file_new(struct weaverfs *fs, const struct log_source *source,
		 const struct registry_view *v, struct log_file **ret, struct error *e)
{
	_cleanup_(cleanup_free) struct log_file *f = calloc(1, sizeof(*f));
	char dir[4096] = "";

	if (!f)
		return error_oom(e);
	if (*fs->state_dir)
		snprintf(dir, sizeof(dir), "%s/%s", fs->state_dir, source->dir);
	int r = spool_open(dir, v->pod->uid, source->kind, source->max_bytes, &f->spool,
			   &f->position, e);
	if (r < 0)
		return r;
	f->fs = fs;
	f->source = source;
	snprintf(f->uid, sizeof(f->uid), "%s", v->pod->uid);
	snprintf(f->name, sizeof(f->name), "%s", v->name);
	f->object = own_number(fs, v);
	f->pod = pod_ref(v->pod);
	list_init(&f->asked);
	list_init(&f->later);
	list_init(&f->keepers);
	loop_timer_init(&f->timer, file_timer);
	list_init(&f->node);
	registry_set_spool(fs->registry, f->uid, source->kind, f->spool);
	*ret = move_ptr(&f);
	return 0;
}

void log_file_ask(struct log_file *f, struct log_opening *o)
{
	struct error e = ERROR_INIT;
	bool terminated, gone;

	bool start = !f->ended && !f->stream;
	loop_timer_init(&o->deadline, opening_late);
	list_push_back(&f->later, &o->node);
	if (!f->failed)
		loop_timer_cancel(&f->timer);
	if (start && start_stream(f, &e) < 0) {
		openings_answer(f, &f->later, &e);
		log_file_left(f);
		return;
	}
	bool waiting = !*on_container(f, &terminated, &gone) && !terminated;
	if (f->ended || waiting) {
		log_file_answer(o, NULL);
		log_file_left(f);
		return;
	}
	loop_timer_set(f->fs->loop, &o->deadline, clock_monotonic_ns() + LOG_WAIT_NS);
	if (f->asking && !start)
		return;
	list_remove(&o->node);
	list_push_back(&f->asked, &o->node);
	if (!f->asking)
		f->source->refresh(f->stream);
	f->asking = true;
}

void log_file_keep(struct log_file *f, struct logs_keeper *k, bool complete)
{
	struct error e = ERROR_INIT;

	k->file = f;
	list_push_back(&f->keepers, &k->node);
	f->ended |= complete;
	if (f->ended || f->failed)
		return;
	loop_timer_cancel(&f->timer);
	if (f->stream)
		return;
	if (!f->source->container(f->pod))
		f->ended = true; /* there is nothing that could have printed */
	else if (start_stream(f, &e) < 0)
		note_failure(f, &e);
}

void log_file_follow(struct log_file *f)
{
	struct error e = ERROR_INIT;

	f->opens++;
	f->opened = true;
	if (f->failed)
		return; /* the timer begins again */
	loop_timer_cancel(&f->timer);
	if (!f->ended && !f->stream && start_stream(f, &e) < 0)
		note_failure(f, &e);
}

void log_file_pod_changed(struct log_file *f, const struct registry_view *v, bool gone)
{
	if (v) {
		pod_unref(f->pod);
		f->pod = pod_ref(v->pod);
		snprintf(f->name, sizeof(f->name), "%s", v->name);
	}
	f->gone |= gone;
	/* A pod of somebody else's making may restart its container. */
	const struct pod_container *c = f->source->container(f->pod);
	if (f->ended && !f->gone && c && c->state == POD_STATE_RUNNING) {
		f->ended = false;
		if (!is_unused(f))
			start_stream(f, NULL);
	}
	if (f->stream)
		f->source->poke(f->stream);
	if (f->gone)
		log_file_left(f);
}
