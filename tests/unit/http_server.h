/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted HTTP/1.1 server on loopback for unit tests, plain or TLS: the n-th request gets the
 * n-th step, the last step again and again. /readyz is outside the script. A thread a connection.
 */
#pragma once
#include <arpa/inet.h>
#include <assert.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/buf.h"

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

#define HTTP_SERVER_CONNECTIONS 256

struct http_server {
	int fd, port;
	SSL_CTX *tls; /* NULL: plain */
	/* Set before the first connection. */
	bool plain; /* answers a TLS hello as Go's HTTP server does */
	bool handshake_stalls;
	const struct http_step *steps;
	size_t step_count;
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	bool stopping;
	const char *readyz; /* reply; NULL: 200 */
	bool readyz_stalls;
	size_t requests, connection_count;
	struct buf log; /* all requests but /readyz */
	int connections[HTTP_SERVER_CONNECTIONS];
	pthread_t threads[HTTP_SERVER_CONNECTIONS];
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
	while (len > 0) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, bytes, (int)len)
				   : send(c->fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
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

	pthread_mutex_lock(&s->mutex);
	if (strncmp(request->data, "GET /readyz", 11) == 0) {
		step.reply = s->readyz ? s->readyz : ok;
		if (s->readyz_stalls)
			step = (struct http_step){ .action = HTTP_STALL };
	} else {
		size_t i = s->requests < s->step_count ? s->requests : s->step_count - 1;
		if (s->step_count > 0)
			step = s->steps[i];
		s->requests++;
		buf_add(&s->log, request->data, request->len);
	}
	pthread_mutex_unlock(&s->mutex);

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

static inline void *http_serve(void *arg)
{
	struct http_connection *c = arg;
	struct http_server *s = c->server;
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
	/* Closed under the lock, so that http_server_stop() cannot shut a reused number down. */
	pthread_mutex_lock(&s->mutex);
	for (size_t i = 0; i < s->connection_count; i++)
		if (s->connections[i] == c->fd)
			s->connections[i] = -1;
	close(c->fd);
	pthread_mutex_unlock(&s->mutex);
	free(c);
	return NULL;
}

static inline void *http_accept(void *arg)
{
	struct http_server *s = arg;

	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_mutex_lock(&s->mutex);
		bool stop = s->stopping || fd < 0 || s->connection_count == HTTP_SERVER_CONNECTIONS;
		if (!stop) {
			struct http_connection *c = calloc(1, sizeof(*c));
			*c = (struct http_connection){ .server = s, .fd = fd };
			s->connections[s->connection_count] = fd;
			pthread_create(&s->threads[s->connection_count++], NULL, http_serve, c);
		}
		pthread_mutex_unlock(&s->mutex);
		if (!stop)
			continue;
		if (fd >= 0)
			close(fd);
		return NULL;
	}
}

/* Has a port, on which connections are refused until http_server_listen(). */
static inline void http_server_bind(struct http_server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*s = (struct http_server){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	pthread_mutex_init(&s->mutex, NULL);
	int r = bind(s->fd, (struct sockaddr *)&address, sizeof(address));
	assert(r == 0);
	r = getsockname(s->fd, (struct sockaddr *)&address, &len);
	assert(r == 0);
	s->port = ntohs(address.sin_port);
}

static inline void http_server_listen(struct http_server *s, const struct http_step *steps,
				      size_t count)
{
	s->steps = steps;
	s->step_count = count;
	int r = listen(s->fd, 128);
	assert(r == 0);
	pthread_create(&s->thread, NULL, http_accept, s);
}

static inline void http_server_stop(struct http_server *s)
{
	pthread_mutex_lock(&s->mutex);
	s->stopping = true;
	for (size_t i = 0; i < s->connection_count; i++)
		if (s->connections[i] >= 0)
			shutdown(s->connections[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->mutex);
	shutdown(s->fd, SHUT_RDWR);
	if (s->thread)
		pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->connection_count; i++)
		pthread_join(s->threads[i], NULL);
	close(s->fd);
	SSL_CTX_free(s->tls);
	buf_done(&s->log);
	pthread_mutex_destroy(&s->mutex);
}

static inline size_t http_server_requests(struct http_server *s)
{
	pthread_mutex_lock(&s->mutex);
	size_t n = s->requests;
	pthread_mutex_unlock(&s->mutex);
	return n;
}

static inline bool http_server_saw(struct http_server *s, const char *text)
{
	pthread_mutex_lock(&s->mutex);
	bool saw = strstr(buf_str(&s->log), text);
	pthread_mutex_unlock(&s->mutex);
	return saw;
}
