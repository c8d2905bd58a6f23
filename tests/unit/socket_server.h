/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP on loopback for the scripted servers of unit tests: a listener, a thread a connection, and an
 * end that waits for all of them.
 */
#pragma once
#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_SERVER_CONNECTIONS 256

struct socket_server {
	/* Set before the first connection. */
	void (*serve)(void *data, int fd); /* on the connection's thread; fd is closed after it */
	void *data;
	int fd, port;
	pthread_t thread;
	bool listening;
	pthread_mutex_t mutex; /* guards what follows, and what its owner says */
	bool stopping;
	unsigned n;                         /* connections that there were */
	int fds[SOCKET_SERVER_CONNECTIONS]; /* -1: closed */
	pthread_t threads[SOCKET_SERVER_CONNECTIONS];
};

struct socket_connection {
	struct socket_server *server;
	unsigned index;
	int fd;
};

/* All of it, unless the other side has gone, which is no error here. */
static inline void socket_write(int fd, const void *bytes, size_t len)
{
	for (const char *p = bytes; len > 0;) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static inline void *socket_serve(void *arg)
{
	struct socket_connection c = *(struct socket_connection *)arg;

	free(arg);
	c.server->serve(c.server->data, c.fd);
	/* Closed under the lock, so that socket_server_stop() cannot shut a reused number down. */
	pthread_mutex_lock(&c.server->mutex);
	c.server->fds[c.index] = -1;
	close(c.fd);
	pthread_mutex_unlock(&c.server->mutex);
	return NULL;
}

/* False: it stops. The lock is held. */
static inline bool socket_take(struct socket_server *s, int fd)
{
	if (s->stopping || fd < 0 || s->n == SOCKET_SERVER_CONNECTIONS)
		return false;
	struct socket_connection *c = malloc(sizeof(*c));
	assert(c);
	*c = (struct socket_connection){ .server = s, .index = s->n, .fd = fd };
	s->fds[s->n] = fd;
	int r = pthread_create(&s->threads[s->n++], NULL, socket_serve, c);
	assert(r == 0);
	return true;
}

static inline void *socket_accept(void *arg)
{
	struct socket_server *s = arg;

	for (bool more = true; more;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_mutex_lock(&s->mutex);
		more = socket_take(s, fd);
		pthread_mutex_unlock(&s->mutex);
		if (!more && fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * Has a port (0: any), on which connections are refused until socket_server_listen(). One that
 * socket_server_unlisten() has left can be taken again.
 */
static inline void socket_server_bind(struct socket_server *s, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	int r = bind(s->fd, (struct sockaddr *)&a, sizeof(a));
	assert(r == 0);
	r = getsockname(s->fd, (struct sockaddr *)&a, &len);
	assert(r == 0);
	s->port = ntohs(a.sin_port);
}

static inline void socket_server_listen(struct socket_server *s)
{
	int r = listen(s->fd, 128);
	assert(r == 0);
	r = pthread_create(&s->thread, NULL, socket_accept, s);
	assert(r == 0);
	s->listening = true;
}

/* No new connections; those that there are go on. */
static inline void socket_server_unlisten(struct socket_server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	if (s->listening)
		pthread_join(s->thread, NULL);
	s->listening = false;
	close(s->fd);
}

/* mutex is its owner's to make and to destroy. */
static inline void socket_server_stop(struct socket_server *s)
{
	pthread_mutex_lock(&s->mutex);
	s->stopping = true;
	for (unsigned i = 0; i < s->n; i++)
		if (s->fds[i] >= 0)
			shutdown(s->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->mutex);
	socket_server_unlisten(s);
	for (unsigned i = 0; i < s->n; i++)
		pthread_join(s->threads[i], NULL);
}
