/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/logs/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/logs/fetch_page.h"
#include "fs/logs/relay.h"
#include "fs/stream/park.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define FRESH_NS (2 * CLOCK_NS_PER_S)
#define DEADLINE_NS (2 * CLOCK_NS_PER_S)
#define PARALLEL_MAX 8

/* One file's content on its way, or kept for 2 s. Cluster thread, as everything here. */
struct entry {
	struct list node; /* fetch.entries */
	struct fetch *fetch;
	fuse_ino_t ino;
	struct list waiters;
	struct request *request; /* NULL: not sent yet, or answered; or: */
	struct relay *relay;     /* to a server in the pod */
	struct buf page;         /* what came from it */
	struct loop_timer deadline;
	bool answered;
	struct buf content;
	int64_t answered_ns;
};

struct fetch {
	struct weaverfs *fs;
	struct list entries; /* oldest first */
	unsigned out;        /* calls in flight */
	struct loop_timer expiry;
};

struct waiter {
	struct list node; /* entry.waiters */
	struct loop_job job;
	struct fetch *fetch;
	fuse_req_t req;    /* until it is parked */
	struct park *park; /* NULL: not parked yet */
	fuse_ino_t ino;
	struct caller caller;
	fetch_opened *opened;
	void *data;
};

static void fire(struct loop_timer *t);

int fetch_new(struct weaverfs *fs, struct fetch **ret, struct error *e)
{
	struct fetch *f = calloc(1, sizeof(*f));
	if (!f)
		return error_oom(e);
	f->fs = fs;
	list_init(&f->entries);
	loop_timer_init(&f->expiry, fire);
	*ret = f;
	return 0;
}

static void waiter_answer(struct waiter *w, const struct buf *content, const struct error *e)
{
	list_remove(&w->node);
	fuse_req_t req = w->park ? park_take(w->park) : w->req;
	w->opened(w->data, req, content, e);
	free(w);
}

static void entry_free(struct entry *entry)
{
	list_remove(&entry->node);
	relay_stop(entry->relay);
	loop_timer_cancel(&entry->deadline);
	buf_done(&entry->page);
	buf_done(&entry->content);
	free(entry);
}

static void entry_answer(struct entry *entry, const struct buf *content, const struct error *e)
{
	while (!list_empty(&entry->waiters))
		waiter_answer(list_entry(entry->waiters.next, struct waiter, node), content, e);
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	struct error e;
	error_set(&e, EIO, "the mount is going away");
	list_for_each(entry, &f->entries, struct entry, node) {
		if (entry->request)
			request_cancel(entry->request);
		entry_answer(entry, NULL, &e);
		entry_free(entry);
	}
	loop_timer_cancel(&f->expiry);
	free(f);
}

static void send_next(struct fetch *f);

static int take_answer(struct entry *entry, const struct reply *reply, struct error *e)
{
	const struct attr *a = table_get(ino_row(entry->ino), ATTR_LIVE);

	if (a && a->render && reply->http)
		return a->render(reply, &entry->content, e);
	if (reply->r < 0) {
		*e = reply->error;
		return reply->r;
	}
	buf_add(&entry->content, reply->body, reply->len);
	if (reply->len && reply->body[reply->len - 1] != '\n')
		buf_add_char(&entry->content, '\n');
	return buf_error(&entry->content) < 0 ? error_oom(e) : 0;
}

/* e: why the content is not there; code 0: it is. */
static void entry_done(struct entry *entry, const struct error *e)
{
	struct fetch *f = entry->fetch;

	f->out--;
	entry->answered = true;
	entry->answered_ns = clock_monotonic_ns();
	entry_answer(entry, e->code ? NULL : &entry->content, e->code ? e : NULL);
	if (e->code)
		entry_free(entry);
	else
		loop_timer_set(f->fs->loop, &f->expiry, entry->answered_ns + FRESH_NS);
	send_next(f);
}

static void on_done(void *data, const struct reply *reply)
{
	struct entry *entry = data;
	struct error e = ERROR_INIT;

	entry->request = NULL;
	take_answer(entry, reply, &e);
	entry_done(entry, &e);
}

/* ---- from a server in the pod ---- */

static void page_done(struct entry *entry, const struct error *e)
{
	relay_stop(entry->relay);
	entry->relay = NULL;
	loop_timer_cancel(&entry->deadline);
	buf_done(&entry->page);
	entry_done(entry, e);
}

static void on_page_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct entry *entry = data;
	struct error e = ERROR_INIT;

	(void)stream;
	buf_add(&entry->page, bytes, len);
	int r = fetch_page_body(&entry->page, &entry->content, &e);
	if (r != 0)
		page_done(entry, &e);
}

static void on_page_ended(void *data, const struct channel_end *end)
{
	struct entry *entry = data;
	struct error e = ERROR_INIT;

	entry->relay = NULL;
	if (end->error.code)
		e = end->error;
	else
		error_set(&e, EIO, "the connection ended before the page did");
	page_done(entry, &e);
}

static void on_page_late(struct loop_timer *t)
{
	struct error e = ERROR_INIT;

	error_set(&e, ETIMEDOUT, "the pod has not answered within 2 s");
	page_done(container_of(t, struct entry, deadline), &e);
}

static const struct relay_ops page_ops = { .output = on_page_output, .ended = on_page_ended };

static int page_send(struct entry *entry, const struct node *n, struct error *e)
{
	struct fetch *f = entry->fetch;
	_cleanup_(buf_done) struct buf path = BUF_INIT, request = BUF_INIT;
	uint16_t port;
	int r = n->attr->forward(&n->view, &path, &port, e);

	if (r < 0)
		return r;
	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		   buf_str(&path));
	const struct relay_spec spec = {
		.kind = CHANNEL_FORWARD,
		.namespace_ = n->view.pod->namespace_,
		.pod = n->view.pod->name,
		.port = port,
		.input = buf_str(&request),
		.ops = &page_ops,
		.data = entry,
	};
	r = buf_error(&request) < 0 ? error_oom(e)
				    : relay_start(f->fs->relays, &spec, &entry->relay, e);
	if (r < 0)
		return r;
	loop_timer_set(f->fs->loop, &entry->deadline, clock_monotonic_ns() + DEADLINE_NS);
	return 0;
}

/* ---- sending ---- */

/* Forgets what is no longer fresh. */
static void fire(struct loop_timer *t)
{
	struct fetch *f = container_of(t, struct fetch, expiry);
	int64_t now = clock_monotonic_ns();
	int64_t next = 0;
	list_for_each(entry, &f->entries, struct entry, node) {
		if (!entry->answered)
			continue;
		if (entry->answered_ns + FRESH_NS <= now)
			entry_free(entry);
		else if (!next || entry->answered_ns + FRESH_NS < next)
			next = entry->answered_ns + FRESH_NS;
	}
	if (next)
		loop_timer_set(f->fs->loop, t, next);
}

static int request_send(struct entry *entry, const struct node *n, struct error *e)
{
	struct fetch *f = entry->fetch;
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	int r = n->attr->fetch(&n->view, &path, e);

	if (r < 0)
		return r;
	struct request_spec spec = {
		.method = REQUEST_GET,
		.path = buf_str(&path),
		.deadline_ns = clock_monotonic_ns() + DEADLINE_NS,
		.idempotent = true,
		.on_done = on_done,
		.data = entry,
	};
	entry->request = request_start(f->fs->client, &spec);
	return entry->request ? 0 : error_oom(e);
}

static int entry_send(struct entry *entry, struct error *e)
{
	struct fetch *f = entry->fetch;
	struct waiter *first = list_entry(entry->waiters.next, struct waiter, node);
	struct node n;
	int r = node_find(f->fs, entry->ino, &first->caller, &n);

	if (r < 0)
		return error_set(e, -r, "the weaver is gone");
	if (client_away(f->fs->client, e))
		r = -EHOSTUNREACH;
	else
		r = n.attr->forward ? page_send(entry, &n, e) : request_send(entry, &n, e);
	node_done(&n);
	if (r == 0)
		f->out++;
	return r;
}

static void send_next(struct fetch *f)
{
	list_for_each(entry, &f->entries, struct entry, node) {
		if (f->out >= PARALLEL_MAX)
			return;
		if (entry->answered || entry->request || entry->relay)
			continue;
		struct error e = ERROR_INIT;
		if (!list_empty(&entry->waiters) && entry_send(entry, &e) == 0)
			continue;
		entry_answer(entry, NULL, &e);
		entry_free(entry);
	}
}

static struct entry *entry_get(struct fetch *f, fuse_ino_t ino)
{
	list_for_each(entry, &f->entries, struct entry, node) {
		bool stale =
			entry->answered && entry->answered_ns + FRESH_NS <= clock_monotonic_ns();
		if (entry->ino == ino && !stale)
			return entry;
	}
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->fetch = f;
	entry->ino = ino;
	list_init(&entry->waiters);
	loop_timer_init(&entry->deadline, on_page_late);
	list_push_back(&f->entries, &entry->node);
	return entry;
}

static void on_interrupted(struct park *p)
{
	struct waiter *w = p->data;
	fuse_req_t req = park_take(p);
	fuse_reply_err(req, EINTR);
	list_remove(&w->node);
	w->opened(w->data, NULL, NULL, NULL);
	free(w);
}

static void on_job(struct loop_job *job)
{
	struct waiter *w = container_of(job, struct waiter, job);
	list_init(&w->node);
	struct error e = ERROR_INIT;
	struct entry *entry = entry_get(w->fetch, w->ino);
	w->park = entry ? park_new(w->fetch->fs->loop, w->req, on_interrupted) : NULL;
	if (!w->park) {
		error_oom(&e);
		waiter_answer(w, NULL, &e);
		return;
	}
	w->park->data = w;
	list_push_back(&entry->waiters, &w->node);
	if (entry->answered)
		entry_answer(entry, &entry->content, NULL);
	else
		send_next(w->fetch);
}

void fetch_open(struct fetch *f, fuse_req_t req, fuse_ino_t ino, const struct caller *caller,
		fetch_opened *opened, void *data)
{
	struct waiter *w = calloc(1, sizeof(*w));
	if (!w) {
		struct error e;
		error_oom(&e);
		opened(data, req, NULL, &e);
		return;
	}
	w->fetch = f;
	w->req = req;
	w->ino = ino;
	w->caller = *caller;
	w->opened = opened;
	w->data = data;
	w->job.run = on_job;
	loop_post(f->fs->loop, &w->job);
}
