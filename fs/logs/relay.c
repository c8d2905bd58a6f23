/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output is appended to a buffer under the lock, and a job on the cluster thread empties it; what
 * lies there beyond HELD_BYTES holds the connection until then. The relay is shared by its owner,
 * by its connection, and by the jobs that are on their way; the last of them frees it.
 */
#include "fs/logs/relay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"
#include "k8s/ws.h"

#define HELD_BYTES (256 << 10)

struct relays {
	struct weaverfs *fs;
	struct list all; /* struct relay; ws thread, as what follows */
	bool closing;
};

struct relay {
	int refs; /* atomic */
	struct relays *relays;
	enum channel_kind kind;
	char *namespace_, *pod, *container, *argv[RELAY_WORDS + 1], *input; /* owned */
	uint16_t port;
	const struct relay_ops *ops;
	void *data;
	bool stopped;                       /* cluster thread */
	struct ws_job begin, resume, close; /* begin and close are posted once */
	struct loop_job deliver;
	/* ws thread */
	struct list node;
	struct channel *channel; /* NULL: not there */
	bool held;

	struct lock lock; /* LOCK_LEAF, guards what follows */
	bool delivering, resuming;
	struct buf out, err;
	bool lost; /* out of memory: nothing is handed over any more but the end */
	bool ended;
	struct channel_end end;
};

static void relay_unref(struct relay *r)
{
	if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (char **word = r->argv; *word; word++)
		free(*word);
	free(r->namespace_);
	free(r->pod);
	free(r->container);
	free(r->input);
	buf_done(&r->out);
	buf_done(&r->err);
	lock_done(&r->lock);
	free(r);
}

static void post_ws(struct relay *r, struct ws_job *job)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	ws_post(r->relays->fs->ws, job);
}

/* ---- cluster thread ---- */

static void hand_over(struct relay *r, enum channel_stream stream, const struct buf *bytes)
{
	if (!r->stopped && bytes->len > 0)
		r->ops->output(r->data, stream, bytes->data, bytes->len);
}

static void tell_end(struct relay *r, const struct channel_end *end)
{
	r->stopped = true;
	r->ops->ended(r->data, end);
	relay_unref(r); /* the owner's */
}

static void give_up(struct relay *r, const struct channel_end *end)
{
	post_ws(r, &r->close);
	tell_end(r, end);
}

static void on_deliver(struct loop_job *job)
{
	struct relay *r = container_of(job, struct relay, deliver);
	_cleanup_(buf_done) struct buf out = BUF_INIT, err = BUF_INIT;
	struct channel_end end = { 0 };
	bool ended, resume, lost;
	{
		lock_guard(&r->lock);
		lost = r->lost;
		out = r->out;
		err = r->err;
		r->out = r->err = (struct buf)BUF_INIT;
		r->delivering = false;
		ended = r->ended;
		if (ended)
			end = r->end;
		resume = !r->resuming && out.len + err.len > HELD_BYTES;
		r->resuming |= resume;
	}
	if (resume)
		post_ws(r, &r->resume);
	if (!lost) {
		hand_over(r, CHANNEL_ERR, &err);
		hand_over(r, CHANNEL_OUT, &out);
	} else if (!r->stopped) {
		end.r = error_oom(&end.error);
		give_up(r, &end);
	}
	if (ended && !r->stopped)
		tell_end(r, &end);
	relay_unref(r);
}

void relay_stop(struct relay *r)
{
	if (!r)
		return;
	r->stopped = true;
	post_ws(r, &r->close);
	relay_unref(r);
}

/* ---- ws thread ---- */

/* True: deliver() is due. */
static bool mark_delivering_locked(struct relay *r)
{
	bool due = !r->delivering;

	r->delivering = true;
	return due;
}

static void deliver(struct relay *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	loop_post(r->relays->fs->loop, &r->deliver);
}

/* The connection has gone, or never came. */
static void finish(struct relay *r, const struct channel_end *end)
{
	bool due;

	r->channel = NULL;
	list_remove(&r->node);
	{
		lock_guard(&r->lock);
		r->ended = true;
		r->end = *end;
		due = mark_delivering_locked(r);
	}
	if (due)
		deliver(r);
	relay_unref(r);
}

static void finish_with(struct relay *r, int code, const char *text)
{
	struct channel_end end = { 0 };

	channel_close(r->channel);
	end.r = error_set(&end.error, code, "%s", text);
	finish(r, &end);
}

static void on_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct relay *r = data;
	bool hold, due;
	{
		lock_guard(&r->lock);
		struct buf *to = stream == CHANNEL_ERR ? &r->err : &r->out;
		buf_add(to, bytes, len);
		r->lost |= buf_error(to) < 0;
		hold = r->out.len + r->err.len > HELD_BYTES;
		due = mark_delivering_locked(r);
	}
	if (due)
		deliver(r);
	if (hold && !r->held)
		channel_hold(r->channel, true);
	r->held |= hold;
}

static void on_writable(void *data)
{
	(void)data;
}

static void on_ended(void *data, const struct channel_end *end)
{
	finish(data, end);
}

static const struct channel_ops channel_ops = {
	.output = on_output,
	.writable = on_writable,
	.ended = on_ended,
};

static void on_begin(struct ws_job *job)
{
	struct relay *r = container_of(job, struct relay, begin);
	struct channel_end end = { 0 };
	const struct channel_spec spec = {
		.kind = r->kind,
		.namespace_ = r->namespace_,
		.pod = r->pod,
		.container = r->container,
		.argv = (const char *const *)r->argv,
		.in = true,
		.out = true,
		.err = true,
		.port = r->port,
		.ops = &channel_ops,
		.data = r,
	};

	list_push_back(&r->relays->all, &r->node);
	if (r->relays->closing) {
		finish_with(r, ESHUTDOWN, "weaverfs stops");
	} else if (channel_open(r->relays->fs->ws, &spec, &r->channel, &end.error) < 0) {
		end.r = -end.error.code;
		finish(r, &end);
	} else if (r->input) {
		channel_send(r->channel, r->input, strlen(r->input));
	}
	relay_unref(r);
}

static void on_resume(struct ws_job *job)
{
	struct relay *r = container_of(job, struct relay, resume);
	{
		lock_guard(&r->lock);
		r->resuming = false;
	}
	if (r->channel && r->held)
		channel_hold(r->channel, false);
	r->held = false;
	relay_unref(r);
}

static void on_close(struct ws_job *job)
{
	struct relay *r = container_of(job, struct relay, close);

	if (r->channel)
		finish_with(r, ESHUTDOWN, "closed");
	relay_unref(r);
}

static void close_all(void *data)
{
	struct relays *all = data;

	all->closing = true;
	list_for_each(r, &all->all, struct relay, node)
		finish_with(r, ESHUTDOWN, "weaverfs stops");
}

void relay_close_all(struct relays *all)
{
	ws_run(all->fs->ws, close_all, all);
}

/* ---- life ---- */

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from ? 0 : -ENOMEM;
}

static int copy_spec(struct relay *r, const struct relay_spec *spec)
{
	int failed = copy(&r->namespace_, spec->namespace_) | copy(&r->pod, spec->pod) |
		     copy(&r->container, spec->container) | copy(&r->input, spec->input);

	for (size_t i = 0; spec->argv && spec->argv[i]; i++) {
		assert(i < RELAY_WORDS);
		failed |= copy(&r->argv[i], spec->argv[i]);
	}
	return failed ? -ENOMEM : 0;
}

int relay_start(struct relays *all, const struct relay_spec *spec, struct relay **ret,
		struct error *e)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return error_oom(e);
	lock_init(&r->lock, LOCK_LEAF);
	list_init(&r->node);
	r->refs = 1;
	if (copy_spec(r, spec) < 0) {
		relay_unref(r);
		return error_oom(e);
	}
	r->refs = 2; /* the owner's, and the connection's */
	r->relays = all;
	r->kind = spec->kind;
	r->port = spec->port;
	r->ops = spec->ops;
	r->data = spec->data;
	r->begin.run = on_begin;
	r->resume.run = on_resume;
	r->close.run = on_close;
	r->deliver.run = on_deliver;
	list_init(&r->begin.node);
	list_init(&r->resume.node);
	list_init(&r->close.node);
	list_init(&r->deliver.node);
	*ret = r;
	post_ws(r, &r->begin);
	return 0;
}

int relay_new(struct weaverfs *fs, struct relays **ret, struct error *e)
{
	struct relays *all = calloc(1, sizeof(*all));

	if (!all)
		return error_oom(e);
	all->fs = fs;
	list_init(&all->all);
	*ret = all;
	return 0;
}

void relay_free(struct relays *all)
{
	free(all);
}
