/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels over one WebSocket. A message may come in pieces, of which the first alone holds the
 * channel's number; each channel begins with an empty message. The end is told by the Status on
 * channel 3: a connection that closes without one has failed, whatever it had sent before. What
 * follows the Status is still read, until the server closes, for a second at most.
 */
#include "k8s/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/channel_status.h"
#include "k8s/ws.h"
#include "k8s/ws_connection.h"

#define CHANNEL_STATUS 3
#define CHANNEL_SIZE 4
#define CHANNEL_CLOSE 255
#define CHANNEL_MESSAGE_MAX (32U << 10)
#define CHANNEL_STATUS_MAX (64U << 10)
#define CHANNEL_AFTER_STATUS_MS 1000
/* A forward's channels; each begins with the port as two bytes. */
#define CHANNEL_FORWARD_DATA 0
#define CHANNEL_FORWARD_ERROR 1
#define CHANNEL_FORWARD_HEAD 2

struct channel {
	struct ws *ws;
	struct ws_connection *connection;
	enum channel_kind kind;
	const struct channel_ops *ops;
	void *data;
	bool open, v5, input_ended, finishing, wants_room;
	int current;          /* the channel of the message under way */
	unsigned skip[2];     /* of a forward's heads, bytes still to come */
	struct buf status;    /* the Status, or a forward's error, so far */
	bool status_complete; /* after_status is armed */
	struct ws_timer after_status;
};

static void channel_free(struct channel *c)
{
	ws_timer_cancel(&c->after_status);
	ws_connection_close(c->connection);
	buf_done(&c->status);
	free(c);
}

/* ---- the end ---- */

static void channel_read_end(struct channel *c, const struct error *why, struct channel_end *end)
{
	bool in_order = why->code == 0;

	*end = (struct channel_end){ 0 };
	if (c->kind != CHANNEL_FORWARD && c->status.len > 0) {
		channel_status_read(c->status.data, c->status.len, end);
	} else if (c->kind == CHANNEL_FORWARD && c->status.len > 0) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;
		buf_add_escaped(&text, c->status.data, c->status.len);
		end->r = error_set(&end->error, ECONNREFUSED, "%s", buf_str(&text));
	} else if (!c->open || !in_order) {
		end->error = *why;
		end->r = -(in_order ? ECONNRESET : why->code);
		/* Once it has begun, how the connection went does not matter. */
		if (c->open)
			end->r = -ECONNRESET;
	} else if (c->kind != CHANNEL_FORWARD && !c->finishing) {
		end->r = error_set(&end->error, ECONNRESET,
				   "the server closed the connection without an exit status");
	}
}

static void channel_end(struct channel *c, const struct error *why)
{
	struct channel_end end;

	channel_read_end(c, why, &end);
	c->ops->ended(c->data, &end);
	channel_free(c);
}

static void channel_after_status(struct ws_timer *t)
{
	struct channel *c = container_of(t, struct channel, after_status);
	const struct error none = ERROR_INIT;

	channel_end(c, &none);
}

/* ---- from the connection ---- */

static void channel_send_end_of_input(struct channel *c)
{
	const char in = CHANNEL_IN;

	ws_connection_send(c->connection, CHANNEL_CLOSE, &in, 1);
}

static void channel_opened(void *data, bool v5)
{
	struct channel *c = data;

	c->open = true;
	c->v5 = v5;
	if (c->input_ended && v5)
		channel_send_end_of_input(c);
	if (c->ops->opened)
		c->ops->opened(c->data);
}

static void channel_gather_status(struct channel *c, const char *bytes, size_t len)
{
	if (c->status.len + len <= CHANNEL_STATUS_MAX)
		buf_add(&c->status, bytes, len);
}

static void channel_message_forward(struct channel *c, const char *bytes, size_t len)
{
	if (c->current != CHANNEL_FORWARD_DATA && c->current != CHANNEL_FORWARD_ERROR)
		return;
	unsigned *skip = &c->skip[c->current];
	size_t n = len < *skip ? len : *skip;
	*skip -= (unsigned)n;
	bytes += n;
	len -= n;
	if (len == 0)
		return;
	if (c->current == CHANNEL_FORWARD_DATA)
		c->ops->output(c->data, CHANNEL_OUT, bytes, len);
	else
		channel_gather_status(c, bytes, len);
}

static void channel_message_process(struct channel *c, const char *bytes, size_t len, bool last)
{
	if (c->current == CHANNEL_STATUS) {
		channel_gather_status(c, bytes, len);
		if (!last || c->status.len == 0 || c->status_complete)
			return;
		c->status_complete = true;
		ws_timer_set(c->ws, &c->after_status, CHANNEL_AFTER_STATUS_MS,
			     channel_after_status);
	} else if (len > 0 && (c->current == CHANNEL_OUT || c->current == CHANNEL_ERR)) {
		c->ops->output(c->data, (enum channel_stream)c->current, bytes, len);
	}
}

static void channel_message(void *data, const char *bytes, size_t len, bool first, bool last)
{
	struct channel *c = data;

	if (first) {
		if (len == 0)
			return;
		c->current = (unsigned char)bytes[0];
		bytes++;
		len--;
	}
	if (c->kind == CHANNEL_FORWARD)
		channel_message_forward(c, bytes, len);
	else
		channel_message_process(c, bytes, len, last);
}

static void channel_sent(void *data)
{
	struct channel *c = data;

	if (!c->wants_room || ws_connection_queued(c->connection) > CHANNEL_ROOM_MAX / 2)
		return;
	c->wants_room = false;
	c->ops->writable(c->data);
}

static void channel_closed(void *data, const struct error *why)
{
	struct channel *c = data;

	c->connection = NULL;
	channel_end(c, why);
}

static const struct ws_connection_ops channel_connection_ops = {
	.opened = channel_opened,
	.message = channel_message,
	.sent = channel_sent,
	.closed = channel_closed,
};

/* ---- beginning ---- */

static void channel_add_query(struct buf *path, const char *key, const char *value)
{
	buf_printf(path, "%s%s=", strchr(buf_str(path), '?') ? "&" : "?", key);
	buf_add_urlencoded(path, value, strlen(value));
}

static void channel_add_stream(struct buf *path, const char *key, bool wanted)
{
	if (wanted)
		channel_add_query(path, key, "true");
}

static int channel_make_path(const struct channel_spec *spec, struct buf *path, struct error *e)
{
	static const char *const verbs[] = {
		[CHANNEL_EXEC] = "exec",
		[CHANNEL_ATTACH] = "attach",
		[CHANNEL_FORWARD] = "portforward",
	};

	buf_printf(path, "/api/v1/namespaces/%s/pods/%s/%s", spec->namespace_, spec->pod,
		   verbs[spec->kind]);
	if (spec->kind == CHANNEL_FORWARD) {
		buf_printf(path, "?ports=%u", spec->port);
	} else {
		channel_add_query(path, "container", spec->container);
		channel_add_stream(path, "stdin", spec->in);
		channel_add_stream(path, "stdout", spec->out);
		channel_add_stream(path, "stderr", spec->err && !spec->tty);
		channel_add_stream(path, "tty", spec->tty);
	}
	for (const char *const *arg = spec->argv; spec->kind == CHANNEL_EXEC && *arg; arg++)
		channel_add_query(path, "command", *arg);
	if (buf_error(path) < 0)
		return error_oom(e);
	if (path->len > CHANNEL_PATH_MAX)
		return error_set(e, E2BIG, "the command is too long for a request line");
	return 0;
}

int channel_open(struct ws *w, const struct channel_spec *spec, struct channel **ret,
		 struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	assert(ws_is_current(w));
	int r = channel_make_path(spec, &path, e);
	if (r < 0)
		return r;
	struct channel *c = calloc(1, sizeof(*c));
	if (!c)
		return error_oom(e);
	c->ws = w;
	c->kind = spec->kind;
	c->ops = spec->ops;
	c->data = spec->data;
	c->skip[0] = c->skip[1] = CHANNEL_FORWARD_HEAD;
	r = ws_connection_new(w, path.data, &channel_connection_ops, c, &c->connection, e);
	if (r < 0) {
		channel_free(c);
		return r;
	}
	if (spec->tty && spec->rows > 0 && spec->cols > 0)
		channel_resize(c, spec->rows, spec->cols);
	*ret = c;
	return 0;
}

void channel_close(struct channel *c)
{
	if (c)
		channel_free(c);
}

/* ---- sending ---- */

size_t channel_room(struct channel *c)
{
	size_t queued = ws_connection_queued(c->connection);

	c->wants_room = queued > 0;
	return queued < CHANNEL_ROOM_MAX ? CHANNEL_ROOM_MAX - queued : 0;
}

/* Out of memory in the middle of a stream: to go on without the bytes would be a lie. */
static void channel_send_failed(struct channel *c)
{
	ws_connection_finish(c->connection);
}

void channel_send(struct channel *c, const char *bytes, size_t len)
{
	assert(!c->input_ended);
	while (len > 0) {
		size_t n = len < CHANNEL_MESSAGE_MAX ? len : CHANNEL_MESSAGE_MAX;
		if (!ws_connection_send(c->connection, CHANNEL_IN, bytes, n)) {
			channel_send_failed(c);
			return;
		}
		bytes += n;
		len -= n;
	}
}

bool channel_end_input(struct channel *c)
{
	if (c->kind != CHANNEL_EXEC || (c->open && !c->v5))
		return false;
	if (!c->input_ended && c->open)
		channel_send_end_of_input(c);
	c->input_ended = true;
	return true;
}

void channel_finish(struct channel *c)
{
	c->finishing = true;
	ws_connection_finish(c->connection);
}

void channel_resize(struct channel *c, unsigned rows, unsigned cols)
{
	char json[64];

	int len = snprintf(json, sizeof(json), "{\"Width\":%u,\"Height\":%u}", cols, rows);
	ws_connection_send(c->connection, CHANNEL_SIZE, json, (size_t)len);
}

void channel_hold(struct channel *c, bool hold)
{
	ws_connection_hold(c->connection, hold);
}

bool channel_drained(const struct channel *c)
{
	return ws_connection_queued(c->connection) == 0;
}
