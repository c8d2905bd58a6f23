/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes out of a stream, told to the owner: the objects of a replace, changes, bookmarks, and
 * the ERROR frame that ends a stream from within. Any of these calls may stop the watch; nothing is
 * called after that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/watch_private.h"

void watch_events_health(struct watch *w, bool healthy, const struct error *why)
{
	int code = healthy ? 0 : why->code;

	if (w->stopped || (w->health_told && w->healthy == healthy && w->told_code == code))
		return;
	w->health_told = true;
	w->healthy = healthy;
	w->told_code = code;
	if (w->ops->health)
		w->ops->health(w->data, healthy, why);
}

static void give_object(struct watch *w, enum watch_event type, const char *json, size_t len)
{
	if (!w->stopped) /* replace_begin may have been the last straw */
		w->ops->object(w->data, type, json, len);
}

static void begin_replace(struct watch *w)
{
	if (w->replacing)
		return;
	w->replacing = true;
	w->ops->replace_begin(w->data);
}

void watch_events_end_replace(struct watch *w)
{
	begin_replace(w); /* of nothing, when there was no object */
	w->replacing = false;
	w->synced = true;
	if (!w->stopped)
		w->ops->replace_end(w->data);
}

void watch_events_abort_replace(struct watch *w)
{
	if (!w->replacing)
		return;
	w->replacing = false;
	if (!w->stopped)
		w->ops->replace_abort(w->data);
}

static void keep_version(struct watch *w, const char *rv, size_t len)
{
	if (!rv || len == 0)
		return;
	buf_reset(&w->rv);
	buf_add(&w->rv, rv, len);
}

/* An ERROR frame: the Status of a failed request inside a 200. */
static int take_error(struct watch *w, const struct watch_frame *f)
{
	struct status status;
	size_t len = 0;
	const char *code = scan_member(f->object, f->len, "code", &len);

	status_parse(&status, code ? atoi(code) : 500, f->object, f->len);
	int r = status_error(&status, &w->why);
	w->retry_after_s = status.retry_after_s;
	if (status.code == 410 || strcmp(status.reason, "Expired") == 0 ||
	    strcmp(status.reason, "Gone") == 0)
		w->ending = WATCH_ENDING_EXPIRED;
	else if (w->stage == WATCH_STAGE_STREAM && !w->replacing && status.code != 429)
		/* an etcd before 3.6 is known by this 500 only */
		w->ending = WATCH_ENDING_REFUSED;
	else if (status.code == 429 || status.code >= 500)
		w->ending = WATCH_ENDING_TRANSIENT;
	else
		w->ending = WATCH_ENDING_DISTRUST;
	return r;
}

static int take_frame(struct watch *w, char *json, size_t len, struct error *e)
{
	struct watch_frame f;
	int r = watch_frame_parse(&f, json, len, e);
	if (r < 0)
		return r;
	if (f.kind == WATCH_FRAME_ERROR)
		return take_error(w, &f);
	w->events++;
	__atomic_store_n(&w->last_event_ns, w->last_bytes_ns, __ATOMIC_RELAXED);
	/* the initial events come in no order of versions: the bookmark has the one that counts */
	bool initial = w->stage == WATCH_STAGE_STREAM;
	if (!initial || f.kind == WATCH_FRAME_INITIAL_END) {
		size_t n = 0;
		const char *rv = watch_frame_version(&f, &n);
		keep_version(w, rv, n);
	}
	w->bookmarks |= f.kind == WATCH_FRAME_BOOKMARK;
	if (!initial)
		w->failures = 0; /* it does serve: the next failure is a first one */
	if (f.kind == WATCH_FRAME_OBJECT) {
		if (initial)
			begin_replace(w);
		give_object(w, f.event, f.object, f.len);
	} else if (initial && f.kind == WATCH_FRAME_INITIAL_END) {
		w->stage = WATCH_STAGE_FOLLOW; /* the same stream goes on */
		watch_events_end_replace(w);
		watch_events_health(w, true, NULL);
	}
	return 0;
}

int watch_events_object(void *data, char *json, size_t len, struct error *e)
{
	struct watch *w = data;
	int r = 0;

	if (w->stage == WATCH_STAGE_LIST) {
		begin_replace(w);
		__atomic_store_n(&w->last_event_ns, w->last_bytes_ns, __ATOMIC_RELAXED);
		give_object(w, WATCH_ADDED, json, len);
	} else {
		r = take_frame(w, json, len, e);
	}
	return w->stopped || w->relist ? -ECANCELED : r;
}

int watch_events_metadata(void *data, char *json, size_t len, struct error *e)
{
	struct watch *w = data;
	size_t n = 0;
	const char *more = watch_frame_string(json, len, "continue", &n);

	if (more && n > 0)
		return error_set(e, EPROTO,
				 "the server sent one page of a list asked for in whole");
	const char *rv = watch_frame_string(json, len, "resourceVersion", &n);
	keep_version(w, rv, n);
	return 0;
}
