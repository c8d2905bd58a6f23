/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection: ask for credentials, connect, and if that fails, or the server answers
 * anything but 101, ask once more for the reason; where there is none, since credentials have been
 * renewed by asking, connect once more. Then messages, until either side closes.
 *
 * libwebsockets' struct lws and ours find each other by a pointer that is cleared when either has
 * gone: callbacks of a struct lws without one are answered by closing it.
 */
#include "k8s/ws_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/ws_private.h"

#define WS_CONNECT_MS 10000
/* Idle connections are cut by load balancers after 30 s at the earliest; client-go waits 60 s. */
#define WS_PING_MS 20000
#define WS_SILENCE_NS (60 * CLOCK_NS_PER_S)
/* Messages at a time before others have their turn. */
#define WS_BURST 8

struct ws_message {
	struct list node;
	size_t len;
	unsigned char bytes[]; /* LWS_PRE of room, then len */
};

struct ws_connection {
	struct list node; /* ws.connections */
	struct ws *ws;
	char *path; /* after the cluster's own; owned */
	const struct ws_connection_ops *ops;
	void *data;
	struct ws_ask *ask;     /* under way */
	struct ws_route *route; /* used */
	struct lws *wsi;        /* libwebsockets' own; NULL: none */
	struct buf headers;     /* for the handshake */
	unsigned generation;
	int http; /* what answered the upgrade; 0: nothing did */
	bool v5, open, retried, finishing, held, ping_due;
	char why[128]; /* libwebsockets' word for the last failure */
	struct ws_timer deadline, ping;
	int64_t last_rx_ns;
	struct list queue;
	size_t queued;
};

static void ws_connection_expire(struct ws_timer *t);
static void ws_connection_ping(struct ws_timer *t);
static void ws_connection_answered(struct ws_ask *a);

/* Parts with libwebsockets, which closes what it has as soon as it is in a place to do so. */
static void ws_connection_part(struct ws_connection *c)
{
	struct lws *wsi = c->wsi;

	c->wsi = NULL;
	if (!wsi)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

void ws_connection_close(struct ws_connection *c)
{
	if (!c)
		return;
	list_remove(&c->node);
	ws_timer_cancel(&c->deadline);
	ws_timer_cancel(&c->ping);
	if (c->ask)
		c->ask->data = NULL;
	ws_connection_part(c);
	ws_route_unuse(c->route);
	list_for_each(m, &c->queue, struct ws_message, node)
		free(m);
	buf_wipe(&c->headers);
	free(c->path);
	free(c);
}

static void ws_connection_end(struct ws_connection *c, const struct error *why)
{
	ws_connection_part(c);
	lock_assert_none();
	c->ops->closed(c->data, why);
	ws_connection_close(c);
}

void ws_connection_end_all(struct ws *w)
{
	struct error e = ERROR_INIT;

	error_set(&e, ESHUTDOWN, "weaverfs is ending");
	while (!list_empty(&w->connections))
		ws_connection_end(list_entry(w->connections.next, struct ws_connection, node), &e);
}

static int ws_connection_ask(struct ws_connection *c, bool reason, struct error *e)
{
	c->ask = ws_ask_new(c->ws, c->path);
	if (!c->ask)
		return error_oom(e);
	c->ask->answered = ws_connection_answered;
	c->ask->data = c;
	c->ask->reason = reason;
	if (!list_empty(&c->ws->routes)) {
		c->ask->known = true;
		c->ask->known_generation =
			list_entry(c->ws->routes.next, struct ws_route, node)->generation;
	}
	ws_ask_start(c->ask);
	return 0;
}

/* c may be gone afterwards. */
static void ws_connection_failed(struct ws_connection *c)
{
	struct error e = ERROR_INIT;

	ws_timer_cancel(&c->deadline);
	ws_connection_part(c);
	if (ws_connection_ask(c, true, &e) < 0)
		ws_connection_end(c, &e);
}

int ws_connection_new(struct ws *w, const char *path_and_query, const struct ws_connection_ops *ops,
		      void *data, struct ws_connection **ret, struct error *e)
{
	struct ws_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(e);
	list_init(&c->queue);
	list_push_back(&w->connections, &c->node);
	c->ws = w;
	c->path = strdup(path_and_query);
	c->ops = ops;
	c->data = data;
	int r = w->ending ? error_set(e, ESHUTDOWN, "weaverfs is ending")
		: c->path ? ws_connection_ask(c, false, e)
			  : error_oom(e);
	if (r < 0)
		ws_connection_close(c);
	else
		*ret = c;
	return r;
}

/* ---- connecting ---- */

static void ws_connection_connect(struct ws_connection *c, struct ws_route *route)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	_cleanup_(buf_done) struct buf host = BUF_INIT;
	bool v6 = strchr(route->address.name, ':');

	buf_printf(&path, "%s%s", route->address.path, c->path);
	buf_printf(&host, v6 ? "[%s]:%d" : "%s:%d", route->address.name, route->address.port);
	struct lws_client_connect_info info = {
		.context = c->ws->context,
		.vhost = route->vhost,
		.address = route->address.host,
		.port = route->address.port,
		.path = buf_str(&path),
		.host = buf_str(&host),
		.protocol = "v5.channel.k8s.io,v4.channel.k8s.io",
		.local_protocol_name = ws_protocols[0].name,
		.alpn = "http/1.1",
		.opaque_user_data = c,
		.pwsi = &c->wsi,
	};

	/* The name is checked by the context of cluster_tls_context(), IPv6 addresses too. */
	if (route->address.https)
		info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
	info.ssl_connection |= LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	ws_route_use(route);
	ws_route_unuse(c->route);
	c->route = route;
	c->http = 0;
	c->why[0] = '\0';
	ws_timer_set(c->ws, &c->deadline, WS_CONNECT_MS, ws_connection_expire);
	if (buf_error(&path) == 0 && buf_error(&host) == 0 && lws_client_connect_via_info(&info))
		return;
	c->wsi = NULL;
	ws_connection_failed(c);
}

static void ws_connection_expire(struct ws_timer *t)
{
	struct ws_connection *c = container_of(t, struct ws_connection, deadline);

	strcpy(c->why, "no answer within 10 s");
	ws_connection_failed(c);
}

/* The server would have allowed it: with credentials that are new now, or for no reason at all. */
static bool ws_connection_may_retry(struct ws_connection *c, const struct ws_ask *a)
{
	if (!a->reason)
		return true;
	if (c->retried || (c->http != 0 && a->generation == c->generation))
		return false;
	c->retried = true;
	return true;
}

/* Of v4 this is how a container that does not run is refused; of v5 it is said after the 101. */
static int ws_connection_refused(const struct ws_connection *c, struct error *e)
{
	if (c->http >= 500)
		return error_set(
			e, ENOTCONN,
			"the upgrade to a WebSocket was refused by %s, perhaps because the "
			"container is not running",
			c->why);
	return error_set(e, EPROTO, "the upgrade to a WebSocket was refused: %s", c->why);
}

/* *ret stays NULL where it has been asked again: the route that was known then has gone. */
static int ws_connection_take_answer(struct ws_connection *c, struct ws_ask *a,
				     struct ws_route **ret, struct error *e)
{
	buf_wipe(&c->headers);
	c->headers = a->headers;
	a->headers = (struct buf)BUF_INIT;
	c->generation = a->generation;
	*ret = ws_route_find(c->ws, a->generation);
	if (*ret)
		return 0;
	if (!a->address.host)
		return ws_connection_ask(c, a->reason, e);
	SSL_CTX *tls = a->tls;
	a->tls = NULL;
	return ws_route_new(c->ws, a->generation, tls, &a->address, ret, e);
}

static void ws_connection_answered(struct ws_ask *a)
{
	struct ws_connection *c = a->data;
	struct error e = a->error;
	struct ws_route *route = NULL;

	if (!c) {
		ws_ask_free(a);
		return;
	}
	c->ask = NULL;
	int r = a->r;
	if (r == 0 && !ws_connection_may_retry(c, a))
		r = ws_connection_refused(c, &e);
	if (r == 0)
		r = ws_connection_take_answer(c, a, &route, &e);
	ws_ask_free(a);
	if (r < 0)
		ws_connection_end(c, &e);
	else if (route)
		ws_connection_connect(c, route);
}

static int ws_connection_add_headers(struct ws_connection *c, char **at, size_t room)
{
	if (c->headers.len > room)
		return -1;
	*at = mempcpy(*at, buf_str(&c->headers), c->headers.len);
	return 0;
}

static int ws_connection_opened(struct ws_connection *c)
{
	ws_timer_cancel(&c->deadline);
	buf_wipe(&c->headers);
	c->open = true;
	c->last_rx_ns = clock_monotonic_ns();
	ws_timer_set(c->ws, &c->ping, WS_PING_MS, ws_connection_ping);
	if (c->held)
		lws_rx_flow_control(c->wsi, 0);
	if (!list_empty(&c->queue) || c->finishing)
		lws_callback_on_writable(c->wsi);
	struct lws *wsi = c->wsi;
	c->ops->opened(c->data, c->v5);
	return lws_get_opaque_user_data(wsi) ? 0 : -1;
}

/* ---- alive or not ---- */

static void ws_connection_lost(struct ws_connection *c, int code, const char *why)
{
	struct error e = ERROR_INIT;

	error_set(&e, code, "the connection to the API server was lost: %s", why);
	ws_connection_end(c, &e);
}

/* While we hold, pongs wait with the rest, and silence means nothing. */
static void ws_connection_ping(struct ws_timer *t)
{
	struct ws_connection *c = container_of(t, struct ws_connection, ping);

	if (c->held)
		c->last_rx_ns = clock_monotonic_ns();
	if (clock_monotonic_ns() - c->last_rx_ns >= WS_SILENCE_NS) {
		ws_connection_lost(c, ETIMEDOUT, "no sign of life for 60 s");
		return;
	}
	/* libwebsockets' own check would end a connection that we hold for 5 minutes. */
	lws_validity_confirmed(c->wsi);
	c->ping_due = true;
	lws_callback_on_writable(c->wsi);
	ws_timer_set(c->ws, &c->ping, WS_PING_MS, ws_connection_ping);
}

/* ---- messages ---- */

bool ws_connection_send(struct ws_connection *c, unsigned char channel, const char *bytes,
			size_t len)
{
	struct ws_message *m = malloc(sizeof(*m) + LWS_PRE + 1 + len);

	if (!m)
		return false;
	m->len = 1 + len;
	m->bytes[LWS_PRE] = channel;
	memcpy(m->bytes + LWS_PRE + 1, len ? bytes : "", len);
	list_push_back(&c->queue, &m->node);
	c->queued += m->len;
	if (c->open && c->wsi)
		lws_callback_on_writable(c->wsi);
	return true;
}

size_t ws_connection_queued(const struct ws_connection *c)
{
	return c->queued;
}

void ws_connection_finish(struct ws_connection *c)
{
	c->finishing = true;
	if (c->open && c->wsi)
		lws_callback_on_writable(c->wsi);
}

void ws_connection_hold(struct ws_connection *c, bool hold)
{
	if (c->held == hold)
		return;
	c->held = hold;
	c->last_rx_ns = clock_monotonic_ns();
	if (c->open && c->wsi)
		lws_rx_flow_control(c->wsi, !hold);
}

/* One message, or what else is due. < 0: the connection is broken. */
static int ws_connection_write(struct ws_connection *c)
{
	if (c->ping_due) {
		unsigned char ping[LWS_PRE + 1];
		c->ping_due = false;
		return lws_write(c->wsi, ping + LWS_PRE, 0, LWS_WRITE_PING);
	}
	struct ws_message *m = list_entry(c->queue.next, struct ws_message, node);
	int n = lws_write(c->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_BINARY);
	list_remove(&m->node);
	c->queued -= m->len;
	free(m);
	return n;
}

static int ws_connection_writable(struct ws_connection *c)
{
	struct lws *wsi = c->wsi;
	size_t before = c->queued;

	for (int i = 0; i < WS_BURST && (c->ping_due || !list_empty(&c->queue)); i++) {
		if (ws_connection_write(c) < 0)
			return -1;
		if (lws_send_pipe_choked(wsi))
			break;
	}
	if (c->ping_due || !list_empty(&c->queue)) {
		lws_callback_on_writable(wsi);
	} else if (c->finishing) {
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	if (c->queued < before)
		c->ops->sent(c->data);
	return lws_get_opaque_user_data(wsi) ? 0 : -1;
}

static int ws_connection_receive(struct ws_connection *c, const char *bytes, size_t len)
{
	struct lws *wsi = c->wsi;
	bool last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;

	c->last_rx_ns = clock_monotonic_ns();
	c->ops->message(c->data, bytes, len, lws_is_first_fragment(wsi), last);
	return lws_get_opaque_user_data(wsi) ? 0 : -1;
}

/* ---- libwebsockets ---- */

static void ws_connection_note_version(struct ws_connection *c)
{
	char protocol[64] = "";

	lws_hdr_copy(c->wsi, protocol, sizeof(protocol), WSI_TOKEN_PROTOCOL);
	c->v5 = strncmp(protocol, "v5.", 3) == 0;
}

static void ws_connection_note_failure(struct ws_connection *c, const char *text)
{
	c->http = (int)lws_http_client_http_response(c->wsi);
	if (c->http != 0)
		snprintf(c->why, sizeof(c->why), "HTTP %d", c->http);
	else
		snprintf(c->why, sizeof(c->why), "%s", text ? text : "no connection");
}

/* libwebsockets is closing it already. */
static void ws_connection_forget(struct ws_connection *c)
{
	lws_set_opaque_user_data(c->wsi, NULL);
	c->wsi = NULL;
}

static void ws_connection_closed(struct ws_connection *c, bool in_order)
{
	const struct error none = ERROR_INIT;

	ws_connection_forget(c);
	if (in_order || c->finishing)
		ws_connection_end(c, &none);
	else
		ws_connection_lost(c, ECONNRESET, "it was closed without a word");
}

/* Those of a connection that is still somebody's. */
static int ws_connection_dispatch(struct ws_connection *c, enum lws_callback_reasons reason,
				  void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return ws_connection_add_headers(c, in, len);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		ws_connection_note_version(c);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return ws_connection_opened(c);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		ws_connection_note_failure(c, in);
		ws_connection_forget(c);
		ws_connection_failed(c);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return ws_connection_receive(c, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		c->last_rx_ns = clock_monotonic_ns();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return ws_connection_writable(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws_connection_closed(c, true);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		if (c->open)
			ws_connection_closed(c, false);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		c->wsi = NULL;
		return 0;
	default:
		return 0;
	}
}

int ws_connection_callback(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
	struct ws_connection *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (c)
		return ws_connection_dispatch(c, reason, in, len);
	return reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER ||
			       reason == LWS_CALLBACK_CLIENT_ESTABLISHED ||
			       reason == LWS_CALLBACK_CLIENT_RECEIVE ||
			       reason == LWS_CALLBACK_CLIENT_WRITEABLE
		       ? -1
		       : 0;
}
