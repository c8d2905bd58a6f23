/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List+watch as client-go's Reflector does it (tools/cache/reflector.go): a sequence of attempts,
 * each one request.
 *
 *	STREAM  watch with sendInitialEvents: what there is, a bookmark that says so, then changes
 *	LIST    where the server refuses that, for some minutes: a list, followed by
 *	FOLLOW  a watch from the version that was seen last
 *
 * A replace (STREAM or LIST) leaves resourceVersion unset, that is, asks for what is true now: a
 * list from the server's cache (rv=0) may be older than what was already seen, and going back in
 * time would bring deleted weavers back to life. How an attempt has ended (enum watch_ending)
 * decides about the next one; all waiting is done by one timer, which guards against silence while
 * a request runs. watch_events.c reads what comes.
 */
#include "k8s/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "k8s/watch_private.h"

struct watch_timing watch_timing = {
	.backoff_ms = 800,
	.backoff_max_ms = 4000, /* users look at a stale tree until then */
	.retry_after_max_ms = 30000,
	.backoff_reset_ms = 120000,
	.away_poll_ms = 250,
	.away_attempt_ms = 5000,
	.stall_ms = 95000, /* bookmarks come each 59 s */
	.stall_list_ms = 60000,
	.refused_ms = 600000,
	.silent_ms = 3600000,
	.slack_ms = 30000,
	.short_ms = 1000,
	.timeout_min_s = 300,
	.timeout_max_s = 600,
};

static void free_watch(struct watch *w)
{
	loop_timer_cancel(&w->timer);
	scan_done(&w->scan);
	buf_done(&w->rv);
	free(w->path);
	free(w->selector);
	free(w);
}

static void set_timer_in(struct watch *w, int64_t ms)
{
	loop_timer_set(w->loop, &w->timer, clock_monotonic_ns() + ms * CLOCK_NS_PER_MS);
}

static void finish(struct watch *w, const struct reply *reply);

/* Leaves a callback of the request. Returns whether the request may go on; else the timer ends it.
 */
static bool leave(struct watch *w)
{
	w->busy = false;
	if (!w->stopped && !w->relist)
		return true;
	set_timer_in(w, 0);
	return false;
}

static void on_open(void *data)
{
	struct watch *w = data;

	w->busy = true;
	w->last_bytes_ns = clock_monotonic_ns();
	if (w->stage == WATCH_STAGE_FOLLOW)
		watch_events_health(w, true, NULL);
	leave(w);
}

/* How long this attempt may be silent. */
static int64_t patience_ns(const struct watch *w)
{
	const struct watch_timing *t = &watch_timing;
	int64_t ms = w->timeout_s * INT64_C(1000) + t->slack_ms;

	if (w->stage != WATCH_STAGE_FOLLOW)
		ms = t->stall_list_ms;
	else if (w->bookmarks)
		ms = t->stall_ms;
	return ms * CLOCK_NS_PER_MS;
}

/* Sees to it that the timer fires no later than patience ends: a first bookmark shortens it. */
static void guard(struct watch *w)
{
	int64_t end_ns = w->last_bytes_ns + patience_ns(w);

	if (list_empty(&w->timer.node) || w->timer.at_ns > end_ns)
		loop_timer_set(w->loop, &w->timer, end_ns);
}

static int on_data(void *data, const char *bytes, size_t len)
{
	struct watch *w = data;

	if (w->stopped || w->relist)
		return -ECANCELED;
	w->busy = true;
	w->last_bytes_ns = clock_monotonic_ns();
	if (w->stage == WATCH_STAGE_FOLLOW)
		watch_events_health(w, true, NULL);
	int r = scan_feed(&w->scan, bytes, len, &w->why);
	if (r < 0 && w->ending == WATCH_ENDING_NONE)
		w->ending = r == -EPROTO ? WATCH_ENDING_DISTRUST : WATCH_ENDING_TRANSIENT;
	if (!leave(w))
		return -ECANCELED;
	guard(w);
	return r;
}

static void on_done(void *data, const struct reply *reply)
{
	struct watch *w = data;

	w->request = NULL;
	w->busy = true;
	if (!w->stopped)
		finish(w, reply);
	w->busy = false;
	if (w->stopped)
		free_watch(w);
	else if (w->relist)
		set_timer_in(w, 0);
}

static enum watch_ending judge(struct watch *w, const struct reply *reply)
{
	if (w->ending != WATCH_ENDING_NONE)
		return w->ending;
	if (reply->r == 0 && w->stage == WATCH_STAGE_LIST) {
		int r = scan_finish(&w->scan, &w->why);
		if (r == 0 && w->rv.len == 0)
			r = error_set(&w->why, EPROTO, "the server sent a list without a version");
		return r < 0 ? WATCH_ENDING_TRANSIENT : WATCH_ENDING_LISTED;
	}
	if (reply->r == 0) {
		bool too_short = clock_monotonic_ns() - w->started_ns <
				 watch_timing.short_ms * CLOCK_NS_PER_MS;
		if (w->stage == WATCH_STAGE_FOLLOW && (!too_short || w->events > 0))
			return WATCH_ENDING_CLEAN;
		error_set(&w->why, ECONNRESET, "the server has closed the watch before its %s",
			  w->stage == WATCH_STAGE_FOLLOW ? "first event" : "list was complete");
		return WATCH_ENDING_TRANSIENT;
	}
	w->why = reply->error;
	w->retry_after_s = reply->status ? reply->status->retry_after_s : 0;
	if (reply->http == 410)
		return WATCH_ENDING_EXPIRED;
	if (reply->http == 400 || reply->http == 422)
		return w->stage == WATCH_STAGE_STREAM ? WATCH_ENDING_REFUSED
						      : WATCH_ENDING_DISTRUST;
	return WATCH_ENDING_TRANSIENT;
}

/* Waits before the next attempt, longer from failure to failure. */
static void back_off(struct watch *w)
{
	const struct watch_timing *t = &watch_timing;
	int64_t now = clock_monotonic_ns(), ms = t->backoff_ms;

	if (now - w->last_failure_ns > t->backoff_reset_ms * CLOCK_NS_PER_MS)
		w->failures = 0;
	w->last_failure_ns = now;
	for (unsigned i = 0; i < w->failures && ms < t->backoff_max_ms; i++)
		ms *= 2;
	if (ms > t->backoff_max_ms)
		ms = t->backoff_max_ms;
	int64_t asked_ms = w->retry_after_s * INT64_C(1000);
	if (asked_ms > t->retry_after_max_ms)
		asked_ms = t->retry_after_max_ms;
	if (ms < asked_ms)
		ms = asked_ms;
	w->waiting_since_ns = now;
	bool away = client_away(w->client, NULL);
	w->failures = away ? 1 : w->failures + 1; /* its absence is nothing to be patient about */
	set_timer_in(w, away ? t->away_poll_ms : ms + (int64_t)arc4random_uniform((uint32_t)ms));
}

/* The next replaces are lists, until it may be another server, or be over whatever ailed it. */
static void avoid_watch_list(struct watch *w, int64_t ms)
{
	w->list_until_ns = clock_monotonic_ns() + ms * CLOCK_NS_PER_MS;
}

/* An attempt has ended: what next? */
static void conclude(struct watch *w, enum watch_ending ending)
{
	bool was_replace = w->stage != WATCH_STAGE_FOLLOW;

	if (ending != WATCH_ENDING_LISTED)
		watch_events_abort_replace(w);
	switch (ending) {
	case WATCH_ENDING_LISTED:
		w->stage = WATCH_STAGE_FOLLOW;
		watch_events_end_replace(w);
		set_timer_in(w, 0);
		return;
	case WATCH_ENDING_CLEAN:
		set_timer_in(w, 0);
		return;
	case WATCH_ENDING_REFUSED:
		avoid_watch_list(w, watch_timing.refused_ms);
		w->stage = WATCH_STAGE_LIST;
		set_timer_in(w, 0);
		return;
	case WATCH_ENDING_EXPIRED:
		w->stage = WATCH_STAGE_STREAM;
		if (was_replace)
			break; /* a list cannot expire twice without something being wrong */
		set_timer_in(w, 0);
		return;
	case WATCH_ENDING_DISTRUST:
		w->stage = WATCH_STAGE_STREAM;
		break;
	case WATCH_ENDING_NONE:
	case WATCH_ENDING_TRANSIENT:
		break;
	}
	watch_events_health(w, false, &w->why);
	back_off(w);
}

static void finish(struct watch *w, const struct reply *reply)
{
	if (!w->relist)
		conclude(w, judge(w, reply));
	else
		watch_events_abort_replace(w);
}

static void build_query(const struct watch *w, struct buf *out)
{
	buf_add_str(out, w->path);
	buf_add_char(out, '?');
	if (w->selector)
		buf_printf(out, "%s&", w->selector);
	if (w->stage == WATCH_STAGE_LIST) {
		buf_add_str(out, "resourceVersion=");
		return;
	}
	buf_printf(out, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%u", w->timeout_s);
	if (w->stage == WATCH_STAGE_STREAM) {
		buf_add_str(out, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
		return;
	}
	buf_add_str(out, "&resourceVersion=");
	buf_add_urlencoded(out, w->rv.data, w->rv.len);
}

static void start_attempt(struct watch *w)
{
	const struct watch_timing *t = &watch_timing;

	if (w->stage == WATCH_STAGE_FOLLOW && (w->rv.len == 0 || buf_error(&w->rv) < 0))
		w->stage = WATCH_STAGE_STREAM;
	if (w->stage == WATCH_STAGE_STREAM && clock_monotonic_ns() < w->list_until_ns)
		w->stage = WATCH_STAGE_LIST;
	scan_done(&w->scan);
	scan_init(&w->scan, w->stage == WATCH_STAGE_LIST ? SCAN_LIST : SCAN_SEQUENCE);
	w->scan.object = watch_events_object;
	w->scan.metadata = watch_events_metadata;
	w->scan.data = w;
	w->ending = WATCH_ENDING_NONE;
	w->retry_after_s = 0;
	w->why = (struct error)ERROR_INIT;
	w->events = 0;
	w->started_ns = w->last_bytes_ns = clock_monotonic_ns();
	w->timeout_s =
		t->timeout_min_s + arc4random_uniform(t->timeout_max_s - t->timeout_min_s + 1);
	if (w->stage == WATCH_STAGE_LIST)
		buf_reset(&w->rv); /* comes with the list */

	_cleanup_(buf_done) struct buf query = BUF_INIT;
	build_query(w, &query);
	if (buf_error(&query) == 0)
		w->request = request_start(w->client, &(struct request_spec){
							      .method = REQUEST_GET,
							      .path = query.data,
							      .idempotent = true,
							      .on_open = on_open,
							      .on_data = on_data,
							      .on_done = on_done,
							      .data = w,
						      });
	if (w->request) {
		guard(w);
		return;
	}
	error_oom(&w->why);
	conclude(w, WATCH_ENDING_TRANSIENT);
}

/* The request runs, and nothing has come for too long. */
static void give_up(struct watch *w)
{
	request_cancel(w->request);
	w->request = NULL;
	error_set(&w->why, ETIMEDOUT, "the server has said nothing for %lld s",
		  (long long)((clock_monotonic_ns() - w->last_bytes_ns) / CLOCK_NS_PER_S));
	if (w->stage == WATCH_STAGE_STREAM) /* its bookmark never came */
		avoid_watch_list(w, watch_timing.silent_ms);
	/*
	 * A watch from a version that the server does not know yet (its etcd was restored) is a 200
	 * and silence for ever: one that has brought nothing at all is not tried again.
	 */
	conclude(w, w->events == 0 ? WATCH_ENDING_DISTRUST : WATCH_ENDING_TRANSIENT);
}

static void start_or_wait(struct watch *w)
{
	int64_t waited = clock_monotonic_ns() - w->waiting_since_ns;

	/*
	 * The client probes an absent server each second. Trying only when it has come back brings
	 * the watch back within that second, however long the outage was: users look at a stale
	 * tree until then. A try now and then guards against a probe that fails for reasons of its
	 * own.
	 */
	if (w->failures > 0 && client_away(w->client, NULL) &&
	    waited < watch_timing.away_attempt_ms * CLOCK_NS_PER_MS) {
		set_timer_in(w, watch_timing.away_poll_ms);
		return;
	}
	start_attempt(w);
}

/* Ends what runs, so that a replace begins now. */
static void begin_relist(struct watch *w)
{
	w->relist = false;
	w->stage = WATCH_STAGE_STREAM;
	if (w->request)
		request_cancel(w->request);
	w->request = NULL;
	watch_events_abort_replace(w);
}

static void fire(struct loop_timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);

	if (w->stopped) {
		watch_stop(w);
		return;
	}
	w->busy = true;
	if (w->relist)
		begin_relist(w);
	if (!w->request)
		start_or_wait(w);
	else if (clock_monotonic_ns() < w->last_bytes_ns + patience_ns(w))
		guard(w);
	else
		give_up(w);
	leave(w);
}

int watch_start(const struct watch_spec *spec, struct watch **ret, struct error *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return error_oom(e);
	w->client = spec->client;
	w->loop = client_loop(spec->client);
	w->ops = spec->ops;
	w->data = spec->data;
	w->stage = WATCH_STAGE_STREAM;
	w->path = strdup(spec->path);
	w->selector = spec->selector ? strdup(spec->selector) : NULL;
	loop_timer_init(&w->timer, fire);
	scan_init(&w->scan, SCAN_SEQUENCE);
	if (!w->path || (spec->selector && !w->selector)) {
		free_watch(w);
		return error_oom(e);
	}
	set_timer_in(w, 0);
	*ret = w;
	return 0;
}

void watch_stop(struct watch *w)
{
	w->stopped = true;
	if (w->busy)
		return; /* leave() has the timer free it, or on_done() does */
	if (w->request)
		request_cancel(w->request);
	free_watch(w);
}

void watch_relist(struct watch *w)
{
	w->relist = true;
	if (!w->busy)
		set_timer_in(w, 0);
}

bool watch_synced(const struct watch *w)
{
	return w->synced;
}

int64_t watch_last_event_ns(const struct watch *w)
{
	return __atomic_load_n(&w->last_event_ns, __ATOMIC_RELAXED);
}
