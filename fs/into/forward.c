/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from the socket go into the channel as it has room; bytes from the channel wait here for
 * the socket, and the channel is held while they are many.
 */
#include "fs/into/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/list.h"
#include "k8s/ws.h"

#define FORWARD_OUT_HIGH (256U << 10)
#define FORWARD_OUT_LOW (64U << 10)
#define FORWARD_READ_SIZE (32U << 10)

struct forwards {
	struct ws *ws;
	const struct forward_ops *ops;
	struct list all; /* struct forward */
};

struct forward {
	struct list node;
	struct forwards *all;
	struct ws_fd fd; /* owned */
	void *place;
	struct channel *channel; /* NULL: over; what is in out is still sent */
	struct buf out;
	size_t sent;
	bool input_ended, held;
	struct error error;
	struct ws_timer failed;
};

static void forward_end(struct forward *f)
{
	int fd = f->fd.fd;

	list_remove(&f->node);
	ws_timer_cancel(&f->failed);
	ws_fd_unwatch(f->all->ws, &f->fd);
	close(fd);
	channel_close(f->channel);
	f->all->ops->ended(f->place, &f->error);
	buf_done(&f->out);
	free(f);
}

static void forward_watch(struct forward *f)
{
	uint32_t events = 0;

	if (f->sent < f->out.len)
		events |= EPOLLOUT;
	if (f->channel && !f->input_ended && channel_room(f->channel) >= FORWARD_READ_SIZE)
		events |= EPOLLIN;
	ws_fd_change(f->all->ws, &f->fd, events);
}

/* False: the peer has gone. */
static bool forward_flush(struct forward *f)
{
	while (f->sent < f->out.len) {
		ssize_t n = send(f->fd.fd, f->out.data + f->sent, f->out.len - f->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		f->sent += (size_t)n;
	}
	if (f->sent == f->out.len) {
		buf_reset(&f->out);
		f->sent = 0;
	} else if (f->sent > FORWARD_OUT_HIGH) {
		buf_drop_front(&f->out, f->sent);
		f->sent = 0;
	}
	size_t left = f->out.len - f->sent;
	bool hold = left > FORWARD_OUT_HIGH || (f->held && left > FORWARD_OUT_LOW);
	if (f->channel && hold != f->held)
		channel_hold(f->channel, hold);
	f->held = hold;
	return buf_error(&f->out) == 0;
}

static bool forward_read(struct forward *f)
{
	char bytes[FORWARD_READ_SIZE];

	ssize_t n = recv(f->fd.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		f->input_ended = true;
	else
		channel_send(f->channel, bytes, (size_t)n);
	return true;
}

static void forward_ready(struct ws_fd *fd, uint32_t events)
{
	struct forward *f = container_of(fd, struct forward, fd);
	bool good = !(events & (EPOLLHUP | EPOLLERR));

	if (good && (events & EPOLLIN) && f->channel && !f->input_ended)
		good = forward_read(f);
	if (good)
		good = forward_flush(f);
	if (!good || (!f->channel && f->sent == f->out.len))
		forward_end(f);
	else
		forward_watch(f);
}

/* ---- from the channel ---- */

static void forward_opened(void *data)
{
	forward_watch(data);
}

static void forward_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	struct forward *f = data;

	(void)stream;
	buf_add(&f->out, bytes, len);
	/* A peer that has gone is found by its socket's event. */
	forward_flush(f);
	forward_watch(f);
}

static void forward_writable(void *data)
{
	forward_watch(data);
}

static void forward_ended(void *data, const struct channel_end *end)
{
	struct forward *f = data;

	f->channel = NULL;
	f->error = end->error;
	if (!forward_flush(f) || f->sent == f->out.len)
		forward_end(f);
	else
		forward_watch(f);
}

static const struct channel_ops forward_channel_ops = {
	.opened = forward_opened,
	.output = forward_output,
	.writable = forward_writable,
	.ended = forward_ended,
};

/* ---- life ---- */

int forward_new(struct ws *w, const struct forward_ops *ops, struct forwards **ret, struct error *e)
{
	struct forwards *f = calloc(1, sizeof(*f));

	if (!f)
		return error_oom(e);
	f->ws = w;
	f->ops = ops;
	list_init(&f->all);
	*ret = f;
	return 0;
}

void forward_free(struct forwards *f)
{
	if (!f)
		return;
	list_for_each(one, &f->all, struct forward, node)
		forward_end(one);
	free(f);
}

static void forward_fail(struct ws_timer *t)
{
	forward_end(container_of(t, struct forward, failed));
}

void forward_accept(struct forwards *all, int fd, const struct command_target *target,
		    uint16_t port, void *place)
{
	struct forward *f = calloc(1, sizeof(*f));
	struct error e = ERROR_INIT;
	const struct channel_spec spec = {
		.kind = CHANNEL_FORWARD,
		.namespace_ = target->namespace_,
		.pod = target->pod,
		.port = port,
		.ops = &forward_channel_ops,
		.data = f,
	};

	if (!f) {
		error_oom(&e);
		close(fd);
		all->ops->ended(place, &e);
		return;
	}
	f->all = all;
	f->place = place;
	list_push_back(&all->all, &f->node);
	/* Nothing is read before the port is connected; a peer that leaves is noticed. */
	int r = ws_fd_watch(all->ws, &f->fd, fd, 0, forward_ready);
	if (r < 0) {
		f->fd.fd = fd;
		error_set(&f->error, -r, "a socket cannot be watched: %s", strerror(-r));
	} else {
		r = channel_open(all->ws, &spec, &f->channel, &f->error);
	}
	if (r < 0)
		ws_timer_set(all->ws, &f->failed, 0, forward_fail);
}
