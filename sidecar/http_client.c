/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket never blocks; every wait is one poll() on it and on stop_fd until the deadline. A
 * connection that the server has closed while it was idle is opened again, once, before a request
 * counts as failed.
 */
#include "sidecar/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/http_reply.h"
#include "sidecar/http_url.h"

#define IDLE_PIECE 16384

struct http_client {
	struct http_url url;
	int stop_fd;
	int fd; /* -1: not connected */
	SSL *ssl;
	int64_t end_ns; /* of the request in hand */
};

int http_client_new(const char *url, int stop_fd, struct http_client **ret, struct error *e)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(e);
	c->fd = -1;
	c->stop_fd = stop_fd;
	int r = http_url_parse(url, &c->url, e);
	if (r < 0)
		free(c);
	else
		*ret = c;
	return r;
}

static void hang_up(struct http_client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	cleanup_close(&c->fd);
	c->fd = -1;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	hang_up(c);
	free(c);
}

static int failed(const struct http_client *c, int code, const char *what, struct error *e)
{
	return error_set(e, code, "%s: %s: %s", c->url.authority, what, strerror(code));
}

/* 0: the socket is ready. */
static int wait_for(struct http_client *c, short events, const char *what, struct error *e)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = c->fd, .events = events },
					{ .fd = c->stop_fd, .events = POLLIN } };
		int64_t left_ns = c->end_ns - clock_monotonic_ns();

		if (left_ns <= 0)
			return failed(c, ETIMEDOUT, what, e);
		int n = poll(fds, 2, (int)(left_ns / CLOCK_NS_PER_MS) + 1);
		if (n < 0 && errno != EINTR)
			return failed(c, errno, what, e);
		if (n > 0 && fds[1].revents)
			return failed(c, ECANCELED, what, e);
		if (n > 0)
			return 0;
	}
}

/* ---- connecting ---- */

static int connect_to(struct http_client *c, const struct addrinfo *a, struct error *e)
{
	int code = 0;
	socklen_t len = sizeof(code);

	c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return failed(c, errno, "socket", e);
	if (connect(c->fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return failed(c, errno, "connect", e);
	int r = wait_for(c, POLLOUT, "connect", e);
	if (r < 0)
		return r;
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len);
	return code ? failed(c, code, "connect", e) : 0;
}

static int dial(struct http_client *c, struct error *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
	int r = getaddrinfo(c->url.host, c->url.port, &hints, &list);

	if (r)
		return error_set(e, EHOSTUNREACH, "%s: %s", c->url.host, gai_strerror(r));
	r = -EHOSTUNREACH;
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		r = connect_to(c, a, e);
		if (r == 0 || r == -ETIMEDOUT || r == -ECANCELED)
			break;
		hang_up(c);
	}
	freeaddrinfo(list);
	return r;
}

/* ---- TLS ---- */

static int tls_failed(struct http_client *c, const char *what, struct error *e)
{
	long verify = c->ssl ? SSL_get_verify_result(c->ssl) : X509_V_OK;
	unsigned long code = ERR_get_error();
	char text[200] = "the connection was closed";

	if (code)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	if (verify != X509_V_OK)
		return error_set(e, EKEYREJECTED,
				 "%s: certificate: %s (LOOM_AUDIT_CA_PATH says "
				 "whom to trust)",
				 c->url.authority, X509_verify_cert_error_string(verify));
	return error_set(e, EPROTO, "%s: %s: %s", c->url.authority, what, text);
}

/* What an SSL call with result n wants. 0: call again. */
static int tls_wait(struct http_client *c, int n, const char *what, struct error *e)
{
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(c, POLLIN, what, e);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(c, POLLOUT, what, e);
	default:
		return tls_failed(c, what, e);
	}
}

static void free_context(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

/* A context a connection: the CA file may have been replaced, and connections are few. */
static int tls_begin(struct http_client *c, const char *ca_path, struct error *e)
{
	_cleanup_(free_context) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int r = ctx && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;

	if (r)
		r = ca_path ? SSL_CTX_load_verify_locations(ctx, ca_path, NULL)
			    : SSL_CTX_set_default_verify_paths(ctx);
	if (r != 1) {
		ERR_clear_error();
		return error_set(e, ENOENT, "%s: no certificates to trust",
				 ca_path ? ca_path : "default paths");
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	c->ssl = SSL_new(ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
		return error_oom(e);
	X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, c->url.host) != 1 &&
	    (SSL_set_tlsext_host_name(c->ssl, c->url.host) != 1 ||
	     X509_VERIFY_PARAM_set1_host(param, c->url.host, 0) != 1))
		return tls_failed(c, "host name", e);
	ERR_clear_error();
	for (;;) {
		int n = SSL_connect(c->ssl);
		if (n == 1)
			return 0;
		r = tls_wait(c, n, "TLS", e);
		if (r < 0)
			return r;
	}
}

/* ---- bytes ---- */

static int send_all(struct http_client *c, const char *bytes, size_t len, struct error *e)
{
	while (len > 0) {
		int piece = len > IDLE_PIECE ? IDLE_PIECE : (int)len;
		ssize_t n = c->ssl ? SSL_write(c->ssl, bytes, piece)
				   : send(c->fd, bytes, len, MSG_NOSIGNAL);
		int r = 0;

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (c->ssl) {
			r = tls_wait(c, (int)n, "send", e);
		} else if (errno == EAGAIN) {
			r = wait_for(c, POLLOUT, "send", e);
		} else if (errno != EINTR) {
			r = failed(c, errno, "send", e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Some bytes into b. 1: there are; 0: the server has closed. */
static int receive(struct http_client *c, struct buf *b, struct error *e)
{
	for (;;) {
		if (buf_reserve(b, IDLE_PIECE) < 0)
			return error_oom(e);
		ssize_t n = c->ssl ? SSL_read(c->ssl, b->data + b->len, IDLE_PIECE)
				   : recv(c->fd, b->data + b->len, IDLE_PIECE, 0);
		int r = 0;

		if (n > 0) {
			b->len += (size_t)n;
			b->data[b->len] = '\0';
			return 1;
		}
		if (c->ssl && SSL_get_error(c->ssl, (int)n) == SSL_ERROR_ZERO_RETURN)
			return 0;
		if (c->ssl)
			r = tls_wait(c, (int)n, "receive", e);
		else if (n == 0)
			return 0;
		else if (errno == EAGAIN)
			r = wait_for(c, POLLIN, "receive", e);
		else if (errno != EINTR)
			r = failed(c, errno, "receive", e);
		if (r < 0)
			return r;
	}
}

static int receive_reply(struct http_client *c, struct http_client_reply *ret, struct error *e)
{
	_cleanup_(http_reply_done) struct http_reply reply = { 0 };
	bool closed = false;
	int r;

	while ((r = http_reply_parse(&reply, closed)) == 0 && !closed) {
		r = receive(c, &reply.in, e);
		if (r < 0)
			return r;
		closed = r == 0;
	}
	if (r == 0 && reply.in.len == 0)
		return failed(c, ECONNRESET, "no reply", e);
	if (r <= 0)
		return error_set(e, EPROTO, "%s: the reply is no HTTP/1.1, or was cut off",
				 c->url.authority);
	ret->status = reply.status;
	ret->retry_after_s = reply.retry_after_s;
	ret->body = reply.body;
	reply.body = (struct buf)BUF_INIT;
	if (reply.close || closed)
		hang_up(c);
	return 0;
}

/* ---- requests ---- */

static int connect_all(struct http_client *c, const char *ca_path, struct error *e)
{
	int r = dial(c, e);

	if (r == 0 && c->url.tls)
		r = tls_begin(c, ca_path, e);
	return r;
}

static int exchange(struct http_client *c, const struct http_client_request *q,
		    struct http_client_reply *ret, struct error *e)
{
	_cleanup_(buf_wipe) struct buf head = BUF_INIT;
	int r;

	buf_printf(&head,
		   "POST %s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: audit-sidecar/" WEAVERFS_VERSION
		   "\r\nAccept: application/json\r\nContent-Length: %zu\r\n%s\r\n",
		   c->url.path, q->path, c->url.authority, q->len, q->headers);
	if (buf_error(&head))
		return error_oom(e);
	r = c->fd < 0 ? connect_all(c, q->ca_path, e) : 0;
	if (r == 0)
		r = send_all(c, head.data, head.len, e);
	if (r == 0)
		r = send_all(c, q->body, q->len, e);
	if (r == 0)
		r = receive_reply(c, ret, e);
	if (r < 0)
		hang_up(c);
	return r;
}

int http_client_post(struct http_client *c, const struct http_client_request *request,
		     struct http_client_reply *ret, struct error *e)
{
	bool kept = c->fd >= 0;

	*ret = (struct http_client_reply){ 0 };
	c->end_ns = clock_monotonic_ns() + request->timeout_ms * CLOCK_NS_PER_MS;
	int r = exchange(c, request, ret, e);
	if (kept && (r == -EPIPE || r == -ECONNRESET || r == -EPROTO))
		r = exchange(c, request, ret, e);
	return r;
}
