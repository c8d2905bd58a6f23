/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See forward.h. Channel 2i carries the data of the i-th port, 2i+1 its error; the first message on
 * each is the port as little-endian uint16. Pods share the host's network, so a pod's port is one
 * of 127.0.0.1.
 */
#include "tools/kubesim/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/kubesim/netns.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/pump.h"
#include "tools/kubesim/route.h"

#define FORWARD_PORTS 8
#define FORWARD_QUEUE_HIGH (1024 * 1024)

struct forward;

struct port {
	struct forward *f;
	int index, number;
	struct loop_fd socket; /* for reading; owned */
	struct pump out;       /* the same socket, duplicated */
};

struct forward {
	struct ws *w;
	pid_t netns; /* of the pod's audit sidecar, when it serves the port; 0: the host's */
	size_t count;
	struct port ports[FORWARD_PORTS];
};

static void port_close(struct port *p)
{
	int fd = p->socket.fd;
	loop_unwatch(&p->socket);
	if (fd >= 0)
		close(fd);
	pump_done(&p->out);
}

static void port_fail(struct port *p, const char *why)
{
	char text[300];
	snprintf(text, sizeof(text),
		 "error forwarding port %d to pod, uid : failed to connect to localhost:%d inside "
		 "namespace: %s",
		 p->number, p->number, why);
	ws_send(p->f->w, 2 * p->index + 1, text, strlen(text));
	port_close(p);
	ws_finish(p->f->w);
}

static void port_readable(struct loop_fd *fd, uint32_t events)
{
	struct port *p = container_of(fd, struct port, socket);
	char bytes[16 * 1024];
	int error = 0;
	socklen_t size = sizeof(error);
	(void)events;
	getsockopt(fd->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		port_fail(p, error == ECONNREFUSED ? "connection refused" : strerror(error));
		return;
	}
	ssize_t n = read(fd->fd, bytes, sizeof(bytes));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		port_close(p);
		ws_finish(p->f->w);
		return;
	}
	ws_send(p->f->w, 2 * p->index, bytes, (size_t)n);
	if (ws_queued(p->f->w) > FORWARD_QUEUE_HIGH) {
		int kept = fd->fd;
		loop_unwatch(fd);
		fd->fd = kept; /* drained() watches it again */
	}
}

static void port_open(struct port *p)
{
	unsigned char number[2] = { (unsigned char)p->number, (unsigned char)(p->number >> 8) };
	ws_send(p->f->w, 2 * p->index, number, sizeof(number));
	ws_send(p->f->w, 2 * p->index + 1, number, sizeof(number));
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)p->number),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = netns_socket(p->f->netns);
	pump_init(&p->out, -1);
	p->socket.fd = -1;
	if (fd < 0 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		port_fail(p, error == ECONNREFUSED ? "connection refused" : strerror(error));
		return;
	}
	pump_init(&p->out, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	loop_watch(&p->socket, fd, EPOLLIN, port_readable);
}

static void on_message(void *data, int channel, const char *bytes, size_t len)
{
	struct forward *f = data;
	if (channel % 2 == 0 && (size_t)channel / 2 < f->count)
		pump_write(&f->ports[channel / 2].out, bytes, len);
}

static void on_half_closed(void *data, int channel)
{
	(void)data;
	(void)channel;
}

static void on_drained(void *data)
{
	struct forward *f = data;
	for (size_t i = 0; i < f->count; i++) {
		struct port *p = &f->ports[i];
		if (p->socket.fd >= 0 && !p->socket.ready)
			loop_watch(&p->socket, p->socket.fd, EPOLLIN, port_readable);
	}
}

static void on_closed(void *data)
{
	struct forward *f = data;
	for (size_t i = 0; i < f->count; i++)
		port_close(&f->ports[i]);
	free(f);
}

static const struct ws_ops forward_ops = { on_message, on_half_closed, on_drained, on_closed };

/* Whether something listens there; on a loopback the answer comes at once. */
static bool listens(pid_t netns, int number)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)number),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_(cleanup_close) int fd = netns_socket(netns);
	if (fd < 0)
		return false;
	fcntl(fd, F_SETFL, 0);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

/* The network of a sidecar that serves the port; 0: there is none. */
static pid_t netns_of(const struct request *r, int number)
{
	struct route route;
	const struct object *o =
		route_parse(r, &route) ? store_find(route.kind, route.ns, route.name) : NULL;
	const struct pod *p = o ? o->run : NULL;
	for (size_t i = 0; p && i < p->init_count; i++) {
		const struct container *c = &p->containers[i];
		pid_t pid = c->private_network && c->sandbox ? sandbox_pid(c->sandbox) : 0;
		if (pid > 0 && listens(pid, number))
			return pid;
	}
	return 0;
}

void forward_open(struct ws *w)
{
	const struct request *r = ws_request(w);
	struct forward *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->w = w;
	ws_serve(w, &forward_ops, f);
	for (size_t i = 0; i < r->arg_count && f->count < FORWARD_PORTS; i++) {
		if (strcmp(r->args[i].name, "ports") != 0)
			continue;
		struct port *p = &f->ports[f->count];
		*p = (struct port){ f,
				    (int)f->count,
				    atoi(r->args[i].value),
				    { .fd = -1 },
				    { .fd = -1, .watch.fd = -1 } };
		f->count++;
		f->netns = netns_of(r, p->number);
		port_open(p);
	}
}
