/* SPDX-License-Identifier: Apache-2.0 */
/* See ws.h. */
#include "tools/kubesim/ws.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/list.h"
#include "tools/kubesim/remote.h"
#include "tools/kubesim/request.h"

#define WS_TUNNEL 0 /* in place of a version */
#define WS_TUNNEL_NAME "SPDY/3.1+portforward.k8s.io"

/*
 * libwebsockets splits what the client offers at '/', looks for the first part among its protocols'
 * names, and answers with the name of the one it found: so this one's is the part to be found at
 * first, and what the client wants to hear once it was found.
 */
static char tunnel_name[sizeof(WS_TUNNEL_NAME)];

void ws_offer(void)
{
	strcpy(tunnel_name, "SPDY");
}

struct message {
	struct list all;
	size_t len;
	unsigned char bytes[]; /* LWS_PRE of room, then len */
};

struct ws {
	struct lws *wsi;
	struct request *r; /* owned */
	int version;
	struct list queue;
	size_t queued;
	bool finished, half_close;
	int channel; /* of the message that is coming in */
	const struct ws_ops *ops;
	void *data;
};

struct ws_session {
	struct ws *w;
};

const struct request *ws_request(const struct ws *w)
{
	return w->r;
}

bool ws_tunnel(const struct ws *w)
{
	return w->version == WS_TUNNEL;
}

size_t ws_queued(const struct ws *w)
{
	return w->queued;
}

void ws_serve(struct ws *w, const struct ws_ops *ops, void *data)
{
	w->ops = ops;
	w->data = data;
}

void ws_send(struct ws *w, int channel, const void *bytes, size_t len)
{
	const char *at = bytes;
	do {
		size_t n = len < WS_MESSAGE_MAX ? len : WS_MESSAGE_MAX;
		size_t head = ws_tunnel(w) ? 0 : 1;
		struct message *m = malloc(sizeof(*m) + LWS_PRE + head + n);
		if (!m)
			abort();
		m->len = head + n;
		if (head)
			m->bytes[LWS_PRE] = (unsigned char)channel;
		if (n)
			memcpy(m->bytes + LWS_PRE + head, at, n);
		list_push_back(&w->queue, &m->all);
		w->queued += m->len;
		at += n;
		len -= n;
	} while (len);
	lws_callback_on_writable(w->wsi);
}

void ws_finish(struct ws *w)
{
	w->finished = true;
	lws_callback_on_writable(w->wsi);
}

void ws_hold(struct ws *w, bool hold)
{
	lws_rx_flow_control(w->wsi, !hold);
}

static struct ws *ws_new(struct lws *wsi, int version)
{
	struct ws *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->wsi = wsi;
	w->version = version;
	list_init(&w->queue);
	w->r = request_new(wsi);
	if (w->r)
		return w;
	free(w);
	return NULL;
}

static void ws_free(struct ws *w)
{
	if (w->ops)
		w->ops->closed(w->data);
	list_for_each(m, &w->queue, struct message, all)
		free(m);
	request_free(w->r);
	free(w);
}

static int ws_writable(struct ws *w)
{
	if (list_empty(&w->queue)) {
		if (!w->finished)
			return 0;
		lws_close_reason(w->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	struct message *m = list_entry(w->queue.next, struct message, all);
	int n = lws_write(w->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_BINARY);
	list_remove(&m->all);
	w->queued -= m->len;
	free(m);
	if (n < 0)
		return -1;
	if (!list_empty(&w->queue) || w->finished)
		lws_callback_on_writable(w->wsi);
	else if (w->ops)
		w->ops->drained(w->data);
	return 0;
}

static int ws_receive(struct ws *w, const char *bytes, size_t len)
{
	if (!ws_tunnel(w) && lws_is_first_fragment(w->wsi) && len) {
		w->channel = (unsigned char)*bytes++;
		w->half_close = w->channel == 0xff && w->version == 5;
		len--;
	}
	if (w->half_close && len && w->ops)
		w->ops->half_closed(w->data, (unsigned char)bytes[0]);
	else if (len && w->ops)
		w->ops->message(w->data, w->channel, bytes, len);
	return 0;
}

static int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		       size_t len)
{
	struct ws_session *s = user;
	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		strcpy(tunnel_name, WS_TUNNEL_NAME);
		s->w = ws_new(wsi, (int)lws_get_protocol(wsi)->id);
		return s->w ? 0 : -1;
	case LWS_CALLBACK_ESTABLISHED:
		remote_open(s->w);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return s->w ? ws_writable(s->w) : -1;
	case LWS_CALLBACK_RECEIVE:
		return s->w ? ws_receive(s->w, in, len) : -1;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		if (s && s->w)
			ws_free(move_ptr(&s->w));
		return 0;
	default:
		return 0;
	}
}

const struct lws_protocols ws_protocol_v5 = {
	"v5.channel.k8s.io", ws_callback, sizeof(struct ws_session), WS_MESSAGE_MAX, 5, NULL, 0
};
const struct lws_protocols ws_protocol_tunnel = {
	tunnel_name, ws_callback, sizeof(struct ws_session), WS_MESSAGE_MAX, WS_TUNNEL, NULL, 0
};
const struct lws_protocols ws_protocol_v4 = {
	"v4.channel.k8s.io", ws_callback, sizeof(struct ws_session), WS_MESSAGE_MAX, 4, NULL, 0
};
