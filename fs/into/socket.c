/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	          look-up              helper has bound it          3 s without use
 *	UNBOUND ──────────► BINDING ─────────────────────► BOUND ──────────────────► CLOSING
 *	   ▲                   │ refused: look-ups fail                                 │
 *	   └───────────────────┴────────────────────────────────────────────────────────┘
 *
 * Binding is the cluster thread's, one at a time; listening and closing are the ws thread's. One
 * that closes is not bound again before it is closed: the kernel would find the old one.
 */
#include "fs/into/socket_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/errors.h"
#include "fs/into/listener.h"
#include "fs/registry.h"
#include "fs/stream/park.h"
#include "fs/tree/alias.h"
#include "fs/tree/node.h"
#include "k8s/base/clock.h"
#include "k8s/base/lock.h"
#include "k8s/base/wire.h"
#include "k8s/loop.h"
#include "k8s/ws.h"

#define IDLE_NS (3 * CLOCK_NS_PER_S)
#define TICK_NS (500 * CLOCK_NS_PER_MS)

struct waiter {
	struct list node;
	struct loop_job job;
	struct sockets *sockets;
	fuse_req_t req;    /* until it is parked */
	struct park *park; /* NULL: not parked yet */
	struct socket_use use;
	struct caller caller;
	char path[REGISTRY_NAME_MAX + 16];
};

/* ---- answers ---- */

void socket_reply(struct sockets *s, fuse_req_t req, fuse_ino_t ino, const struct caller *caller)
{
	struct fuse_entry_param entry;
	struct node n;
	int r = node_find(s->fs, ino, caller, &n);

	if (r < 0) {
		alias_forget(s->fs->aliases, ino, 1);
		fuse_reply_err(req, -r);
		return;
	}
	node_entry(&n, &entry);
	node_done(&n);
	if (fuse_reply_entry(req, &entry) < 0)
		alias_forget(s->fs->aliases, ino, 1);
}

static void waiter_answer(struct waiter *w, const struct error *e)
{
	fuse_req_t req = w->park ? park_take(w->park) : w->req;

	list_remove(&w->node);
	if (!e) {
		socket_reply(w->sockets, req, w->use.ino, &w->caller);
	} else {
		if (e->code != EINTR)
			errors_add(w->sockets->fs->errors, w->caller.uid, "lookup", w->path, e);
		alias_forget(w->sockets->fs->aliases, w->use.ino, 1);
		fuse_reply_err(req, e->code);
	}
	free(w);
}

void socket_answer(struct socket_entry *k, const struct error *e)
{
	while (!list_empty(&k->waiters))
		waiter_answer(list_entry(k->waiters.next, struct waiter, node), e);
}

static void waiter_interrupted(struct park *p)
{
	struct waiter *w = p->data;
	struct error e = ERROR_INIT;

	error_set(&e, EINTR, "interrupted");
	waiter_answer(w, &e);
}

/* ---- entries ---- */

static struct socket_entry *find_locked(struct sockets *s, fuse_ino_t ino)
{
	list_for_each(k, &s->all, struct socket_entry, node)
		if (k->use.ino == ino)
			return k;
	return NULL;
}

static void on_open(struct ws_job *job);
static void on_close(struct ws_job *job);
static void on_closed(struct loop_job *job);

static struct socket_entry *entry_get(struct sockets *s, const struct socket_use *use)
{
	lock_guard(&s->lock);
	struct socket_entry *k = find_locked(s, use->ino);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->sockets = s;
	k->use = *use;
	k->fd = -1;
	k->open_job.run = on_open;
	k->close_job.run = on_close;
	k->closed_job.run = on_closed;
	list_init(&k->waiters);
	list_init(&k->open_job.node);
	list_init(&k->close_job.node);
	list_init(&k->closed_job.node);
	list_push_back(&s->all, &k->node);
	return k;
}

static enum socket_state state_of(struct socket_entry *k)
{
	lock_guard(&k->sockets->lock);
	return k->state;
}

static void on_wait(struct loop_job *job)
{
	struct waiter *w = container_of(job, struct waiter, job);
	struct sockets *s = w->sockets;
	struct error e = ERROR_INIT;
	struct socket_entry *k = entry_get(s, &w->use);

	list_init(&w->node);
	w->park = k && s->helper ? park_new(s->fs->loop, w->req, waiter_interrupted) : NULL;
	if (!w->park) {
		if (!s->helper)
			e = s->why;
		else
			error_oom(&e);
		waiter_answer(w, &e);
		return;
	}
	w->park->data = w;
	list_push_back(&k->waiters, &w->node);
	loop_timer_set(s->fs->loop, &s->tick, clock_monotonic_ns() + TICK_NS);
	switch (state_of(k)) {
	case SOCKET_BOUND:
		socket_answer(k, NULL);
		break;
	case SOCKET_UNBOUND:
		k->queued = true;
		socket_helper_bind_next(s);
		break;
	default: /* goes on by itself */
		break;
	}
}

/* ---- listening; ws thread ---- */

static void on_accepted(void *data, int fd, const struct ucred *peer)
{
	struct socket_entry *k = data;
	struct sockets *s = k->sockets;
	{
		lock_guard(&s->lock);
		k->connections++;
		k->used_ns = clock_monotonic_ns();
	}
	s->ops->accepted(s->fs, &k->use, fd, peer);
}

static const struct listener_ops listener_ops = { .accepted = on_accepted };

static void on_open(struct ws_job *job)
{
	struct socket_entry *k = container_of(job, struct socket_entry, open_job);
	struct sockets *s = k->sockets;
	struct error e = ERROR_INIT;
	int fd = k->fd;

	k->fd = -1;
	if (s->closed)
		close(fd);
	else if (listener_new(s->fs->ws, fd, &listener_ops, k, &k->listener, &e) < 0)
		errors_add(s->fs->errors, s->fs->uid, "listen", WIRE_SOCKET, &e);
}

static void on_close(struct ws_job *job)
{
	struct socket_entry *k = container_of(job, struct socket_entry, close_job);

	listener_free(k->listener);
	k->listener = NULL;
	if (!k->sockets->closed)
		loop_post(k->sockets->fs->loop, &k->closed_job);
}

void socket_close_all(struct sockets *s)
{
	s->closed = true;
	lock_guard(&s->lock);
	list_for_each(k, &s->all, struct socket_entry, node) {
		listener_free(k->listener);
		k->listener = NULL;
	}
}

/* ---- the end of what is not used; cluster thread ---- */

/* True: nobody uses it, and it is gone. */
static bool entry_drop(struct socket_entry *k)
{
	struct sockets *s = k->sockets;
	lock_guard(&s->lock);
	if (k->connections > 0 || k->state != SOCKET_UNBOUND || !list_empty(&k->waiters))
		return false;
	list_remove(&k->node);
	free(k);
	return true;
}

static void on_closed(struct loop_job *job)
{
	struct socket_entry *k = container_of(job, struct socket_entry, closed_job);
	struct sockets *s = k->sockets;
	{
		lock_guard(&s->lock);
		k->state = SOCKET_UNBOUND;
	}
	if (list_empty(&k->waiters))
		return;
	k->queued = true;
	socket_helper_bind_next(s);
}

/* Whether it is to be closed now. */
static bool expire(struct socket_entry *k)
{
	lock_guard(&k->sockets->lock);

	if (k->state != SOCKET_BOUND || clock_monotonic_ns() - k->used_ns < IDLE_NS)
		return false;
	k->state = SOCKET_CLOSING;
	return true;
}

static void on_tick(struct loop_timer *t)
{
	struct sockets *s = container_of(t, struct sockets, tick);
	bool more = false;

	list_for_each(k, &s->all, struct socket_entry, node) {
		if (expire(k))
			ws_post(s->fs->ws, &k->close_job);
		more |= !entry_drop(k);
	}
	if (more)
		loop_timer_set(s->fs->loop, t, clock_monotonic_ns() + TICK_NS);
}

/* ---- from ops ---- */

static bool is_bound(struct sockets *s, fuse_ino_t ino)
{
	lock_guard(&s->lock);
	struct socket_entry *k = find_locked(s, ino);

	if (!k || k->state != SOCKET_BOUND)
		return false;
	k->used_ns = clock_monotonic_ns();
	return true;
}

void socket_lookup(struct sockets *s, fuse_req_t req, const struct node *n)
{
	if (is_bound(s, n->ino)) {
		socket_reply(s, req, n->ino, &n->view.caller);
		return;
	}
	struct waiter *w = calloc(1, sizeof(*w));
	if (!w) {
		alias_forget(s->fs->aliases, n->ino, 1);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	w->sockets = s;
	w->req = req;
	w->use = (struct socket_use){ n->object, n->port, n->ino };
	w->caller = n->view.caller;
	node_path(n, w->path, sizeof(w->path));
	w->job.run = on_wait;
	loop_post(s->fs->loop, &w->job);
}

static int compare_ports(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

int socket_list(struct sockets *s, uint64_t object, uint16_t **ret, size_t *ret_n)
{
	lock_guard(&s->lock);
	size_t n = 0;

	list_for_each(k, &s->all, struct socket_entry, node)
		n += k->use.object == object && k->use.port != 0;
	uint16_t *ports = calloc(n + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	n = 0;
	list_for_each(k, &s->all, struct socket_entry, node)
		if (k->use.object == object && k->use.port != 0)
			ports[n++] = k->use.port;
	qsort(ports, n, sizeof(*ports), compare_ports);
	*ret = ports;
	*ret_n = n;
	return 0;
}

void socket_used(struct sockets *s, const struct socket_use *use)
{
	lock_guard(&s->lock);
	struct socket_entry *k = find_locked(s, use->ino);

	if (k)
		k->connections--;
}

/* ---- life ---- */

int socket_new(struct weaverfs *fs, const struct socket_ops *ops, struct sockets **ret,
	       struct error *e)
{
	struct sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return error_oom(e);
	s->fs = fs;
	s->ops = ops;
	lock_init(&s->lock, LOCK_LEAF);
	list_init(&s->all);
	loop_timer_init(&s->tick, on_tick);
	error_set(&s->why, EAGAIN, "the mount is not ready yet");
	*ret = s;
	return 0;
}

void socket_free(struct sockets *s)
{
	if (!s)
		return;
	list_for_each(k, &s->all, struct socket_entry, node) {
		cleanup_close(&k->fd);
		free(k);
	}
	lock_done(&s->lock);
	free(s);
}
