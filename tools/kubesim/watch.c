/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See watch.h. What a watch sends is decided when the socket takes it: first a snapshot (watch at
 * resourceVersion "" or "0", or sendInitialEvents), then changes from the cursor on. A reader that
 * is so slow that its cursor falls out of the history gets a clean end, as from the API server.
 */
#include "tools/kubesim/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "k8s/base/clock.h"
#include "k8s/base/list.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/store.h"
#include "tools/kubesim/table.h"

#define WATCH_BATCH (64 * 1024)
#define WATCH_BOOKMARK_MS 59000
#define WATCH_DEFAULT_TIMEOUT_S 1800

struct watch {
	struct list all;
	struct request *r; /* borrowed: the stream lives as long as it */
	const struct kind *kind;
	char ns[ROUTE_NAME_MAX];
	struct selector *labels, *fields;
	enum table_mode table;
	bool columns_sent;
	struct snapshot *initial; /* NULL once sent */
	size_t initial_at;
	bool initial_bookmark; /* owes the bookmark that ends the initial events */
	uint64_t next;         /* rv of the next change to look at */
	bool bookmarks, bookmark_due, expired, timed_out;
	uint64_t asked_rv;
	int events_sent;
	struct buf held; /* one event held back by a fault that reorders */
	struct loop_timer bookmark_timer, timeout_timer;
};

static struct list watches = LIST_INIT(watches);

static void watch_close(void *data)
{
	struct watch *w = data;
	list_remove(&w->all);
	loop_timer_stop(&w->bookmark_timer);
	loop_timer_stop(&w->timeout_timer);
	store_snapshot_free(w->initial);
	selector_free(w->labels);
	selector_free(w->fields);
	buf_done(&w->held);
	free(w);
}

static bool selected(const struct watch *w, const struct revision *v)
{
	return v && selector_matches(w->labels, v->labels) &&
	       selector_matches(w->fields, v->fields);
}

static void object_add(struct watch *w, const struct revision *v, struct buf *out)
{
	if (w->table == TABLE_OFF) {
		store_render(w->kind, v, out);
		return;
	}
	table_begin(w->kind, v->rv, NULL, !w->columns_sent, out);
	w->columns_sent = true;
	table_row(w->kind, v, w->table, out);
	table_end(out);
}

static void frame_add(struct watch *w, const char *type, const struct revision *v, struct buf *out)
{
	buf_printf(out, "{\"type\":\"%s\",\"object\":", type);
	object_add(w, v, out);
	buf_add_str(out, "}\n");
}

static void bookmark_add(struct watch *w, uint64_t rv, bool initial_end, struct buf *out)
{
	char api[96];
	kind_api_version(w->kind, api, sizeof(api));
	buf_printf(out,
		   "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\","
		   "\"metadata\":{\"resourceVersion\":\"%llu\",\"creationTimestamp\":null%s}%s}}\n",
		   w->kind->kind, api, (unsigned long long)rv,
		   initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "",
		   kind_is(w->kind, KIND_POD) ? ",\"spec\":{\"containers\":null},\"status\":{}"
					      : "");
}

static void error_add(int code, const char *reason, const char *message, struct buf *out)
{
	_cleanup_(cJSON_Deletep) cJSON *status =
		reply_status_object(&(struct reply_status){ .code = code, .reason = reason },
				    message);
	buf_add_str(out, "{\"type\":\"ERROR\",\"object\":");
	json_add(out, status);
	buf_add_str(out, "}\n");
}

static const char *error_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{ 401, "Unauthorized" },       { 403, "Forbidden" },
		{ 404, "NotFound" },           { 410, "Expired" },
		{ 429, "TooManyRequests" },    { 500, "InternalError" },
		{ 503, "ServiceUnavailable" }, { 504, "Timeout" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "";
}

static void initial_fill(struct watch *w, struct buf *out)
{
	struct snapshot *s = w->initial;
	while (w->initial_at < s->count && out->len < WATCH_BATCH) {
		const struct revision *v = s->items[w->initial_at++];
		if (selected(w, v))
			frame_add(w, "ADDED", v, out);
	}
	if (w->initial_at < s->count)
		return;
	if (w->initial_bookmark)
		bookmark_add(w, s->rv, true, out);
	store_snapshot_free(s);
	w->initial = NULL;
}

/* The state before a label went away, under the change's own resource version. */
static void frame_unselected(struct watch *w, const struct change *c, struct buf *out)
{
	struct revision gone = *c->before;
	_cleanup_(cJSON_Deletep) cJSON *json = json_parse(gone.text, gone.len);
	char rv[24];
	snprintf(rv, sizeof(rv), "%llu", (unsigned long long)c->rv);
	json_set_str(json_ensure(json, "metadata"), "resourceVersion", rv);
	_cleanup_(cleanup_free) char *text = cJSON_PrintUnformatted(json);
	gone.text = text;
	gone.len = strlen(text);
	gone.rv = c->rv;
	frame_add(w, "DELETED", &gone, out);
}

static void change_add(struct watch *w, const struct change *c, struct buf *out)
{
	bool now = selected(w, c->now), before = selected(w, c->before);
	if (c->type == CHANGE_DELETED) {
		if (before || now)
			frame_add(w, "DELETED", c->now, out);
	} else if (now) {
		frame_add(w, before ? "MODIFIED" : "ADDED", c->now, out);
	} else if (before) {
		frame_unselected(w, c, out);
	}
}

/* Lets the request's fault have its way with one event that is ready to go. */
static void event_send(struct watch *w, struct buf *event, struct buf *out)
{
	struct fault_state *f = &w->r->fault;
	w->events_sent++;
	enum fault_events what = f->events_count > 0 ? f->events : FAULT_EVENTS_NONE;
	if (what != FAULT_EVENTS_NONE)
		f->events_count--;
	if (what == FAULT_EVENTS_REORDER && w->held.len == 0) {
		buf_add(&w->held, event->data, event->len);
		return;
	}
	if (what != FAULT_EVENTS_DROP)
		buf_add(out, event->data, event->len);
	if (what == FAULT_EVENTS_DUPLICATE)
		buf_add(out, event->data, event->len);
	if (w->held.len) {
		buf_add(out, w->held.data, w->held.len);
		buf_done(&w->held);
	}
}

static bool changes_fill(struct watch *w, struct buf *out)
{
	_cleanup_(buf_done) struct buf event = BUF_INIT;
	while (w->next <= store_rv() && out->len < WATCH_BATCH) {
		const struct change *c = store_change(w->next);
		if (!c)
			return false; /* too slow: the history went on without this reader */
		w->next++;
		if (c->kind != w->kind || (w->ns[0] && strcmp(c->ns, w->ns) != 0))
			continue;
		buf_reset(&event);
		change_add(w, c, &event);
		if (event.len)
			event_send(w, &event, out);
		if (w->r->fault.end_after_events && w->events_sent >= w->r->fault.end_after_events)
			return false;
	}
	return true;
}

static bool watch_fill(struct request *r, void *data, struct buf *out)
{
	struct watch *w = data;
	if (r->fault.error_frame) {
		error_add(r->fault.error_frame,
			  r->fault.reason[0] ? r->fault.reason : error_reason(r->fault.error_frame),
			  r->fault.message[0] ? r->fault.message : "injected by kubesim", out);
		return false;
	}
	if (w->expired) {
		char message[96];
		snprintf(message, sizeof(message), "too old resource version: %llu (%llu)",
			 (unsigned long long)w->asked_rv,
			 (unsigned long long)store_oldest_rv() - 1);
		error_add(410, "Expired", message, out);
		return false;
	}
	if (w->initial)
		initial_fill(w, out);
	else if (!changes_fill(w, out))
		return false;
	bool caught_up = !w->initial && w->next > store_rv();
	if (caught_up && w->bookmarks && (w->bookmark_due || w->timed_out))
		bookmark_add(w, w->next - 1, false, out);
	w->bookmark_due = w->bookmark_due && !caught_up;
	return !(caught_up && w->timed_out);
}

static const struct http_stream watch_stream = { watch_fill, watch_close };

static void bookmark_fired(struct loop_timer *t)
{
	struct watch *w = container_of(t, struct watch, bookmark_timer);
	w->bookmark_due = true;
	loop_timer_set(t, WATCH_BOOKMARK_MS, bookmark_fired);
	http_wake(w->r);
}

static void timeout_fired(struct loop_timer *t)
{
	struct watch *w = container_of(t, struct watch, timeout_timer);
	w->timed_out = true;
	http_wake(w->r);
}

static void store_changed(const struct change *c)
{
	list_for_each(w, &watches, struct watch, all) {
		if (c->kind == w->kind && (!w->ns[0] || strcmp(c->ns, w->ns) == 0))
			http_wake(w->r);
		else if (w->next == c->rv)
			w->next++; /* a quiet kind must not fall out of a busy history */
	}
}

void watch_init(void)
{
	store_on_change(store_changed);
}

/* Where to begin; false: answered with an error. */
static bool watch_position(struct watch *w, struct request *r)
{
	const char *rv = http_arg(r, "resourceVersion");
	const char *match = http_arg(r, "resourceVersionMatch");
	bool initial = route_arg_true(r, "sendInitialEvents");
	if (initial && (!match || strcmp(match, "NotOlderThan") != 0)) {
		reply_status(
			r, &(struct reply_status){ 422, "Invalid", "ListOptions" },
			"ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: "
			"Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
			"NotOlderThan");
		return false;
	}
	char *end = NULL;
	w->asked_rv = rv && rv[0] ? strtoull(rv, &end, 10) : 0;
	if (end && *end) {
		reply_bad_request(r, "invalid resource version \"%s\"", rv);
		return false;
	}
	if (initial || w->asked_rv == 0) {
		w->initial = store_snapshot(w->kind, w->ns);
		w->initial_bookmark = initial && w->bookmarks;
		w->next = w->initial->rv + 1;
		return true;
	}
	w->next = w->asked_rv + 1;
	w->expired = w->next < store_oldest_rv();
	return true;
}

void watch_start(struct request *r, const struct route *route, struct selector *labels,
		 struct selector *fields)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->r = r;
	w->kind = route->kind;
	memcpy(w->ns, route->ns, sizeof(w->ns));
	w->labels = labels;
	w->fields = fields;
	w->table = table_wanted(r);
	w->bookmarks = route_arg_true(r, "allowWatchBookmarks") && w->table == TABLE_OFF;
	list_init(&w->all);
	if (!watch_position(w, r)) {
		watch_close(w);
		return;
	}
	list_push_back(&watches, &w->all);
	const char *timeout = http_arg(r, "timeoutSeconds");
	long seconds = timeout ? atol(timeout) : 0;
	if (seconds <= 0)
		seconds = WATCH_DEFAULT_TIMEOUT_S + rand() % WATCH_DEFAULT_TIMEOUT_S;
	loop_timer_set(&w->timeout_timer, seconds * 1000, timeout_fired);
	loop_timer_set(&w->bookmark_timer, WATCH_BOOKMARK_MS, bookmark_fired);
	http_stream_start(r, "application/json", &watch_stream, w);
}
