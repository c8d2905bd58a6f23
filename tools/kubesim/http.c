/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See http.h. What libwebsockets 4.1 does not do by itself and is made up for here:
 * - While a response is under way it neither reads nor ignores POLLIN: a client that hangs up
 *   would make the loop spin. So receiving is switched off (lws_rx_flow_control) whenever nothing
 *   waits to be sent, and the epoll set of loop.c watches the socket for EPOLLRDHUP instead.
 * - A flow-controlled connection gets no writable callback: it is switched on again to write.
 * - HTTP_BODY_COMPLETION comes again whenever such a connection is readable: dispatched guards it.
 * - It takes a body without Content-Length for one of 100 MiB. If that is a chunked one (kubectl
 *   --raw), chunks are undone here, and the connection ends with the response.
 */
#include "tools/kubesim/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "k8s/base/cleanup.h"
#include "tools/kubesim/request.h"
#include "tools/kubesim/ws.h"

#define HTTP_WRITE_MAX (32 * 1024)
#define HTTP_TURNS_ON_STOP 3

struct http_session {
	struct request *r; /* the transaction under way, NULL between two */
};

static struct {
	struct http_options options;
	struct lws_context *context;
	struct lws_vhost *vhost;
} http;

const char *http_arg(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->arg_count; i++)
		if (strcmp(r->args[i].name, name) == 0)
			return r->args[i].value;
	return NULL;
}

SSL *http_tls(const struct request *r)
{
	return lws_get_ssl(r->wsi);
}

/* ---- answering ---- */

static const char *reason_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 413, "Request Entity Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Entity" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

static void head_write(struct request *r, int status, const char *type)
{
	char date[40];
	time_t now = time(NULL);
	struct tm tm;
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	buf_printf(&r->out, "HTTP/1.1 %d %s\r\n", status, reason_phrase(status));
	buf_add_str(&r->out, "Cache-Control: no-cache, private\r\n");
	if (type)
		buf_printf(&r->out, "Content-Type: %s\r\n", type);
	buf_printf(&r->out, "Date: %s\r\n", date);
	if (r->chunked_body)
		buf_add_str(&r->out, "Connection: close\r\n");
	buf_add(&r->out, buf_str(&r->head), r->head.len);
}

static void hangup_ready(struct loop_fd *f, uint32_t events)
{
	(void)events;
	struct request *r = container_of(f, struct request, hangup);
	loop_unwatch(f);
	lws_set_timeout(r->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
}

/* Nothing to send for now: see the head of this file. */
static void http_hold(struct request *r)
{
	lws_rx_flow_control(r->wsi, 0);
	if (r->hangup.fd < 0)
		loop_watch(&r->hangup, lws_get_socket_fd(r->wsi), EPOLLRDHUP, hangup_ready);
}

static void http_release(struct request *r)
{
	lws_rx_flow_control(r->wsi, 1);
	lws_callback_on_writable(r->wsi);
}

void http_header(struct request *r, const char *name, const char *value)
{
	buf_printf(&r->head, "%s: %s\r\n", name, value);
}

void http_reply(struct request *r, int status, const char *type, struct buf *body)
{
	if (r->answered)
		return;
	head_write(r, status, type);
	buf_printf(&r->out, "Content-Length: %zu\r\n\r\n", body->len);
	buf_add(&r->out, buf_str(body), body->len);
	buf_done(body);
	r->answered = true;
	r->ended = true;
	http_release(r);
}

void http_stream_start(struct request *r, const char *type, const struct http_stream *stream,
		       void *data)
{
	head_write(r, 200, type);
	buf_add_str(&r->out, "Transfer-Encoding: chunked\r\n\r\n");
	r->answered = true;
	r->chunked = true;
	r->stream = stream;
	r->stream_data = data;
	http_release(r);
}

void http_wake(struct request *r)
{
	if (!r->ended && !loop_timer_active(&r->delay))
		http_release(r);
}

static void stream_pull(struct request *r)
{
	_cleanup_(buf_done) struct buf more = BUF_INIT;
	bool goes_on = r->stream->fill(r, r->stream_data, &more);
	size_t step = r->fault.chunk_bytes ? r->fault.chunk_bytes : more.len;
	for (size_t at = 0; at < more.len; at += step) {
		size_t n = more.len - at < step ? more.len - at : step;
		buf_printf(&r->out, "%zx\r\n", n);
		buf_add(&r->out, more.data + at, n);
		buf_add_str(&r->out, "\r\n");
	}
	if (goes_on)
		return;
	buf_add_str(&r->out, "0\r\n\r\n");
	r->ended = true;
}

/* The peer sees a reset, not an orderly end: libwebsockets itself would send a FIN first. */
static int connection_reset(struct request *r)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	connect(lws_get_socket_fd(r->wsi), &nobody, sizeof(nobody));
	return -1;
}

static int transaction_end(struct http_session *s)
{
	struct request *r = s->r;
	struct lws *wsi = r->wsi;
	if (r->chunked_body && lws_partial_buffered(wsi)) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	bool close_now = r->chunked_body;
	s->r = NULL;
	request_free(r);
	if (close_now)
		return -1;
	lws_rx_flow_control(wsi, 1);
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int writable(struct http_session *s)
{
	struct request *r = s->r;
	if (!r || !r->answered)
		return 0;
	if (lws_partial_buffered(r->wsi)) {
		lws_callback_on_writable(r->wsi);
		return 0;
	}
	if (r->ended && r->out.len && r->out_sent == r->out.len)
		return transaction_end(s);
	if (r->fault.stalled) {
		http_hold(r);
		return 0;
	}
	if (r->out_sent == r->out.len) {
		buf_reset(&r->out);
		r->out_sent = 0;
		if (!r->ended)
			stream_pull(r);
		if (r->out.len == 0) {
			http_hold(r);
			return 0;
		}
	}
	if (buf_error(&r->out))
		return -1;
	static unsigned char packet[LWS_PRE + HTTP_WRITE_MAX];
	size_t n = r->out.len - r->out_sent;
	n = n < HTTP_WRITE_MAX ? n : HTTP_WRITE_MAX;
	n = fault_limit(&r->fault, n);
	memcpy(packet + LWS_PRE, r->out.data + r->out_sent, n);
	if (n > 0 && lws_write(r->wsi, packet + LWS_PRE, n, LWS_WRITE_HTTP) < 0)
		return -1;
	r->out_sent += n;
	if (r->fault.reset)
		return connection_reset(r);
	if (r->ended && r->out_sent == r->out.len)
		return transaction_end(s);
	lws_callback_on_writable(r->wsi);
	return 0;
}

/* ---- libwebsockets ---- */

static void delayed(struct loop_timer *t)
{
	struct request *r = container_of(t, struct request, delay);
	http.options.handle(r);
}

static int dispatch(struct http_session *s)
{
	struct request *r = s->r;
	if (!r || r->dispatched)
		return 0;
	r->dispatched = true;
	lws_set_timeout(r->wsi, NO_PENDING_TIMEOUT, 0);
	http_hold(r);
	int64_t delay_ms = fault_match(r);
	if (r->fault.reset && r->fault.reset_after == 0)
		return connection_reset(r);
	if (delay_ms > 0)
		loop_timer_set(&r->delay, delay_ms, delayed);
	else
		http.options.handle(r);
	return 0;
}

static int body_add(struct http_session *s, const void *data, size_t len)
{
	struct request *r = s->r;
	if (!r || r->too_large || r->dispatched)
		return 0;
	if (!r->chunked_body) {
		buf_add(&r->body, data, len);
		return 0;
	}
	buf_add(&r->chunks, data, len);
	r->too_large = r->chunks.len > HTTP_MAX_BODY;
	return r->too_large || request_unchunk(r) ? dispatch(s) : 0;
}

static int request_begin(struct lws *wsi, struct http_session *s)
{
	s->r = request_new(wsi);
	if (!s->r)
		return -1;
	char length[24] = "";
	lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH);
	long long n = atoll(length);
	if (n > HTTP_MAX_BODY)
		s->r->too_large = true;
	s->r->chunked_body = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 &&
			     s->r->method != HTTP_GET && s->r->method != HTTP_DELETE;
	if (s->r->chunked_body)
		return 0;
	/* An explicit zero on POST is completed by libwebsockets, on PUT and PATCH by nobody. */
	if (n > 0 || (s->r->method == HTTP_POST && length[0]))
		return 0;
	return dispatch(s);
}

/* A WebSocket is asked for: 0 lets it be one, 1 says that it was answered. */
static int upgrade(struct lws *wsi)
{
	char protocols[128] = "";
	struct request *r = request_new(wsi);
	if (!r)
		return -1;
	ws_offer();
	lws_hdr_copy(wsi, protocols, sizeof(protocols), WSI_TOKEN_PROTOCOL);
	fault_match(r);
	bool good = http.options.upgrade(r, strstr(protocols, "v5.channel.k8s.io") != NULL);
	int result = good ? 0 : 1;
	if (!good) {
		_cleanup_(buf_done) struct buf out = BUF_INIT;
		buf_reserve(&out, LWS_PRE + r->out.len);
		memset(out.data, 0, LWS_PRE);
		memcpy(out.data + LWS_PRE, r->out.data, r->out.len);
		if (lws_write(wsi, (unsigned char *)out.data + LWS_PRE, r->out.len,
			      LWS_WRITE_HTTP) < 0)
			result = -1;
	}
	request_free(r);
	return result;
}

static int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
			 size_t len)
{
	struct http_session *s = user;
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		http.options.tls_setup(user);
		return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(wsi);
	case LWS_CALLBACK_HTTP:
		return request_begin(wsi, s);
	case LWS_CALLBACK_HTTP_BODY:
		return body_add(s, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return dispatch(s);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return writable(s);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (s && s->r)
			request_free(move_ptr(&s->r));
		return 0;
	default:
		return 0;
	}
}

int http_start(const struct http_options *options, struct error *e)
{
	static struct lws_protocols protocols[6];
	protocols[0] = (struct lws_protocols){
		"http", http_callback, sizeof(struct http_session), 0, 0, NULL, 0
	};
	protocols[1] = loop_protocol;
	protocols[2] = ws_protocol_v5;
	protocols[3] = ws_protocol_v4;
	protocols[4] = ws_protocol_tunnel;
	ws_offer();
	http.options = *options;
	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6,
		.fd_limit_per_thread = 8192,
		.max_http_header_data2 = 48 * 1024,
		.max_http_header_pool2 = 4096,
		.pt_serv_buf_size = 64 * 1024,
		.timeout_secs = 30,
	};
	http.context = lws_create_context(&info);
	if (!http.context)
		return error_set(e, EIO, "libwebsockets: no context");
	info.options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
			LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED;
	info.protocols = protocols;
	info.port = options->port;
	info.iface = options->address;
	info.vhost_name = "kubesim";
	info.alpn = "http/1.1";
	info.keepalive_timeout = 300;
	info.server_ssl_cert_mem = options->cert_pem;
	info.server_ssl_cert_mem_len = (unsigned int)strlen(options->cert_pem) + 1;
	info.server_ssl_private_key_mem = options->key_pem;
	info.server_ssl_private_key_mem_len = (unsigned int)strlen(options->key_pem) + 1;
	http.vhost = lws_create_vhost(http.context, &info);
	if (!http.vhost)
		return error_set(e, EADDRINUSE, "cannot listen on %s:%d", options->address,
				 options->port);
	return loop_init(http.context, http.vhost, e);
}

int http_port(void)
{
	return lws_get_vhost_listen_port(http.vhost);
}

int http_service(void)
{
	return lws_service(http.context, 0);
}

void http_cancel(void)
{
	lws_cancel_service(http.context);
}

void http_stop(void)
{
	if (http.context)
		lws_context_destroy(http.context);
	http.context = NULL;
	loop_done();
}
