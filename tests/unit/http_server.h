/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted HTTP/1.1 server on loopback for unit tests, plain or TLS: the n-th request gets the
 * n-th step, the last step again and again. /readyz is outside the script. A thread a connection.
 */
#pragma once
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "tests/unit/socket_server.h"

enum http_action {
	HTTP_REPLY,
	HTTP_CLOSE, /* reply (if any), then end of file */
	HTTP_RESET, /* no reply, RST */
	HTTP_STALL, /* reply (if any), then silence until the server stops */
};

struct http_step {
	const char *reply; /* raw bytes; NULL: none */
	enum http_action action;
	int delay_ms;
	int split_ms; /* the reply in two halves with a pause between */
};

struct http_server {
	struct socket_server sockets;
	SSL_CTX *tls; /* NULL: plain */
	/* Set before the first connection. */
	bool plain; /* answers a TLS hello as Go's HTTP server does */
	bool handshake_stalls;
	const struct http_step *steps;
	size_t step_count;
	/* sockets.mutex guards what follows. */
	const char *readyz; /* reply; NULL: 200 */
	bool readyz_stalls;
	int readyz_delay_ms;
	size_t requests;
	struct buf log; /* all requests but /readyz */
};

struct http_connection {
	struct http_server *server;
	int fd;
	SSL *ssl;
};

static inline ssize_t http_read(struct http_connection *c, char *bytes, size_t len)
{
	return c->ssl ? SSL_read(c->ssl, bytes, (int)len) : recv(c->fd, bytes, len, 0);
}

static inline void http_write(struct http_connection *c, const char *bytes, size_t len)
{
	if (!c->ssl)
		socket_write(c->fd, bytes, len);
	else if (len > 0) /* blocking: all of it, or the other side has gone */
		SSL_write(c->ssl, bytes, (int)len);
}

/* Head and body of one request; false at the end of the connection. */
static inline bool http_read_request(struct http_connection *c, struct buf *in)
{
	char bytes[8192];

	for (;;) {
		char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
		if (end) {
			char *length = strcasestr(in->data, "content-length:");
			size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
			if (in->len >= (size_t)(end + 4 - in->data) + body)
				return true;
		}
		ssize_t n = http_read(c, bytes, sizeof(bytes));
		if (n <= 0)
			return false;
		buf_add(in, bytes, (size_t)n);
	}
}

static inline void http_send(struct http_connection *c, const char *reply, int split_ms)
{
	size_t len = strlen(reply), half = split_ms > 0 ? len / 2 : len;

	http_write(c, reply, half);
	if (split_ms > 0)
		poll(NULL, 0, split_ms);
	http_write(c, reply + half, len - half);
}

/* False: the connection is over. */
static inline bool http_answer(struct http_connection *c, const struct buf *request)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct http_server *s = c->server;
	struct http_step step = { .reply = ok };

	pthread_mutex_lock(&s->sockets.mutex);
	if (strncmp(request->data, "GET /readyz", 11) == 0) {
		step.reply = s->readyz ? s->readyz : ok;
		step.delay_ms = s->readyz_delay_ms;
		if (s->readyz_stalls)
			step = (struct http_step){ .action = HTTP_STALL };
	} else {
		size_t i = s->requests < s->step_count ? s->requests : s->step_count - 1;
		if (s->step_count > 0)
			step = s->steps[i];
		s->requests++;
		buf_add(&s->log, request->data, request->len);
	}
	pthread_mutex_unlock(&s->sockets.mutex);

	if (step.delay_ms > 0)
		poll(NULL, 0, step.delay_ms);
	if (step.reply)
		http_send(c, step.reply, step.split_ms);
	if (step.action == HTTP_RESET) {
		struct linger l = { .l_onoff = 1 };
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	if (step.action == HTTP_STALL) {
		char byte;
		while (recv(c->fd, &byte, 1, 0) > 0)
			;
	}
	return step.action == HTTP_REPLY;
}

static inline void http_serve(void *data, int fd)
{
	struct http_server *s = data;
	struct http_connection connection = { .server = s, .fd = fd }, *c = &connection;
	sigset_t all;
	bool open = !s->handshake_stalls;

	/* OpenSSL writes without MSG_NOSIGNAL. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	if (!open)
		poll(&(struct pollfd){ .fd = c->fd, .events = POLLRDHUP }, 1, 10000);
	if (open && s->plain) {
		static const char bad[] = "HTTP/1.0 400 Bad Request\r\n\r\n"
					  "Client sent an HTTPS request to an HTTP server.\n";
		http_write(c, bad, strlen(bad));
		open = false;
	}
	if (open && s->tls) {
		c->ssl = SSL_new(s->tls);
		SSL_set_fd(c->ssl, c->fd);
		open = SSL_accept(c->ssl) == 1;
	}
	while (open) {
		struct buf in = BUF_INIT;
		open = http_read_request(c, &in) && http_answer(c, &in);
		buf_done(&in);
	}
	if (c->ssl) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
}

/* Has a port, on which connections are refused until http_server_listen(). */
static inline void http_server_bind(struct http_server *s)
{
	*s = (struct http_server){ .sockets = { .serve = http_serve, .data = s } };
	pthread_mutex_init(&s->sockets.mutex, NULL);
	socket_server_bind(&s->sockets, 0);
}

static inline void http_server_listen(struct http_server *s, const struct http_step *steps,
				      size_t count)
{
	s->steps = steps;
	s->step_count = count;
	socket_server_listen(&s->sockets);
}

static inline void http_server_stop(struct http_server *s)
{
	socket_server_stop(&s->sockets);
	SSL_CTX_free(s->tls);
	buf_done(&s->log);
	pthread_mutex_destroy(&s->sockets.mutex);
}

static inline size_t http_server_requests(struct http_server *s)
{
	pthread_mutex_lock(&s->sockets.mutex);
	size_t n = s->requests;
	pthread_mutex_unlock(&s->sockets.mutex);
	return n;
}

static inline bool http_server_saw(struct http_server *s, const char *text)
{
	pthread_mutex_lock(&s->sockets.mutex);
	bool saw = strstr(buf_str(&s->log), text);
	pthread_mutex_unlock(&s->sockets.mutex);
	return saw;
}
