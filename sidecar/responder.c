/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One poll loop. Connections are few and short; when all slots are taken the oldest gives way, so
 * that nobody keeps the kubelet out by holding connections open.
 */
#include "sidecar/responder.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"

#define PORTS_MAX 2
#define CONNECTIONS 16
#define REQUEST_MAX 1024
#define PATIENCE_NS (5 * CLOCK_NS_PER_S) /* for a connection, from its accept on */

struct connection {
	int fd; /* -1: free */
	int64_t since_ns;
	size_t in_len;
	char in[REQUEST_MAX];
	struct buf out; /* not empty: the answer, of which sent bytes have gone */
	size_t sent;
};

struct responder {
	pthread_t thread;
	int stop_fd;
	int listeners[PORTS_MAX];
	unsigned listener_count;
	responder_page_fn *page;
	void *arg;
	/* The thread's own. */
	struct connection connections[CONNECTIONS];
};

static void hang_up(struct connection *c)
{
	cleanup_close(&c->fd);
	buf_done(&c->out);
	c->in_len = c->sent = 0;
	c->fd = -1;
}

static const char *phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 503:
		return "Service Unavailable";
	default:
		return "Bad Request";
	}
}

/* c->in holds at least the request line. */
static void answer(struct responder *r, struct connection *c)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	const char *type = "text/plain; charset=utf-8";
	char *path = memchr(c->in, ' ', c->in_len), *end;
	int status = 400;

	c->in[c->in_len - 1] = '\0';
	if (path && strncmp(c->in, "GET ", 4) != 0) {
		status = 405;
	} else if (path) {
		path++;
		end = path + strcspn(path, " ?\r\n");
		*end = '\0';
		status = r->page(r->arg, path, &body, &type);
	}
	if (status >= 400 && body.len == 0)
		buf_printf(&body, "%d %s\n", status, phrase(status));
	buf_printf(&c->out,
		   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		   "Connection: close\r\n\r\n",
		   status, phrase(status), type, body.len);
	buf_add(&c->out, buf_str(&body), body.len);
	if (buf_error(&c->out) || buf_error(&body))
		hang_up(c);
}

static void send_more(struct connection *c)
{
	ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

	if (n > 0)
		c->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		hang_up(c);
	if (c->fd >= 0 && c->sent == c->out.len) {
		shutdown(c->fd, SHUT_WR);
		hang_up(c);
	}
}

/* The head is read to its end, lest a close with unread bytes resets what was sent. */
static bool head_is_whole(const struct connection *c)
{
	return memmem(c->in, c->in_len, "\r\n\r\n", 4) || memmem(c->in, c->in_len, "\n\n", 2);
}

static void receive(struct responder *r, struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->in_len += (size_t)n;
	if (!head_is_whole(c) && c->in_len < sizeof(c->in))
		return;
	answer(r, c);
	if (c->fd >= 0)
		send_more(c);
}

static void accept_one(struct responder *r, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *c = &r->connections[0];

	if (fd < 0)
		return;
	for (unsigned i = 1; i < CONNECTIONS && c->fd >= 0; i++) {
		struct connection *x = &r->connections[i];
		if (x->fd < 0 || x->since_ns < c->since_ns)
			c = x;
	}
	if (c->fd >= 0)
		hang_up(c);
	c->fd = fd;
	c->since_ns = clock_monotonic_ns();
}

/* Returns how many; fds[1 + i] is of connection i, behind them the listeners. */
static unsigned gather(struct responder *r, struct pollfd fds[])
{
	int64_t now_ns = clock_monotonic_ns();
	unsigned n = 0;

	fds[n++] = (struct pollfd){ .fd = r->stop_fd, .events = POLLIN };
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &r->connections[i];

		if (c->fd >= 0 && now_ns - c->since_ns > PATIENCE_NS)
			hang_up(c);
		fds[n++] = (struct pollfd){ .fd = c->fd, .events = c->out.len ? POLLOUT : POLLIN };
	}
	for (unsigned i = 0; i < r->listener_count; i++)
		fds[n++] = (struct pollfd){ .fd = r->listeners[i], .events = POLLIN };
	return n;
}

static void *serve(void *arg)
{
	struct responder *r = arg;
	struct pollfd fds[1 + CONNECTIONS + PORTS_MAX];

	for (;;) {
		unsigned n = gather(r, fds);

		if (poll(fds, n, 1000) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			struct connection *c = &r->connections[i];

			if (c->fd < 0 || !fds[1 + i].revents)
				continue;
			if (c->out.len)
				send_more(c);
			else
				receive(r, c);
		}
		for (unsigned i = 1 + CONNECTIONS; i < n; i++)
			if (fds[i].revents)
				accept_one(r, fds[i].fd);
	}
}

/* IPv6 takes IPv4 along; a host without it has IPv4. */
static int listen_on(int port, struct error *e)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, zero = 0;
	struct sockaddr *address = (struct sockaddr *)&six;
	socklen_t len = sizeof(six);

	if (fd < 0) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		address = (struct sockaddr *)&four;
		len = sizeof(four);
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, address, len) < 0 || listen(fd, 64) < 0) {
		int r = error_set(e, errno, "port %d: %s", port, strerror(errno));
		cleanup_close(&fd);
		return r;
	}
	return fd;
}

static void release(struct responder *r)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		hang_up(&r->connections[i]);
	for (unsigned i = 0; i < r->listener_count; i++)
		cleanup_close(&r->listeners[i]);
	cleanup_close(&r->stop_fd);
	free(r);
}

int responder_start(const int *ports, unsigned count, responder_page_fn *page, void *arg,
		    struct responder **ret, struct error *e)
{
	struct responder *r = calloc(1, sizeof(*r));
	int res = 0;

	if (!r)
		return error_oom(e);
	r->page = page;
	r->arg = arg;
	for (unsigned i = 0; i < CONNECTIONS; i++)
		r->connections[i].fd = -1;
	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (r->stop_fd < 0)
		res = error_set(e, errno, "eventfd: %s", strerror(errno));
	for (unsigned i = 0; res == 0 && i < count && i < PORTS_MAX; i++) {
		int fd = listen_on(ports[i], e);
		if (fd < 0)
			res = fd;
		else
			r->listeners[r->listener_count++] = fd;
	}
	if (res == 0) {
		int code = pthread_create(&r->thread, NULL, serve, r);
		if (code)
			res = error_set(e, code, "thread: %s", strerror(code));
	}
	if (res < 0) {
		release(r);
		return res;
	}
	pthread_setname_np(r->thread, "http");
	*ret = r;
	return 0;
}

void responder_stop(struct responder *r)
{
	uint64_t one = 1;

	if (!r)
		return;
	if (write(r->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(r->thread, NULL);
	release(r);
}
