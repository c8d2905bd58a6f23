/* SPDX-License-Identifier: Apache-2.0 */
/* See podport.h. */
#include "tools/kubesim/podport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/kubesim/netns.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/route.h"

static struct sockaddr_in address_of(int number)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)number),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Whether something listens there; on a loopback the answer comes at once. */
static bool listens(pid_t netns, int number)
{
	struct sockaddr_in to = address_of(number);
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

void podport_init(struct podport *p, const struct podport_ops *ops)
{
	*p = (struct podport){ .ops = ops, .socket.fd = -1 };
	pump_init(&p->out, -1);
}

void podport_close(struct podport *p)
{
	int fd = p->socket.fd;
	loop_unwatch(&p->socket);
	if (fd >= 0)
		close(fd);
	pump_done(&p->out);
	p->state = PODPORT_CLOSED;
}

static void podport_fail(struct podport *p, int error)
{
	char text[ROUTE_NAME_MAX + 300];
	struct route route;
	snprintf(
		text, sizeof(text),
		"error forwarding port %d to pod %s, uid : failed to connect to localhost:%d inside "
		"namespace: %s",
		p->number, route_parse(p->r, &route) ? route.name : "", p->number,
		error == ECONNREFUSED ? "connection refused" : strerror(error));
	podport_close(p);
	p->ops->ended(p, text);
}

static void end_if_drained(struct podport *p)
{
	if (p->ends && p->out.fd >= 0 && p->out.pending.len == 0)
		shutdown(p->out.fd, SHUT_WR);
}

static void out_drained(struct pump *out)
{
	struct podport *p = container_of(out, struct podport, out);
	end_if_drained(p);
	if (p->ops->drained)
		p->ops->drained(p);
}

static void readable(struct loop_fd *fd, uint32_t events)
{
	struct podport *p = container_of(fd, struct podport, socket);
	char bytes[16 * 1024];
	(void)events;
	ssize_t n = read(fd->fd, bytes, sizeof(bytes));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		p->ops->received(p, bytes, (size_t)n);
		return;
	}
	podport_close(p);
	p->ops->ended(p, NULL);
}

static void watch(struct podport *p)
{
	int fd = p->socket.fd;
	loop_unwatch(&p->socket);
	p->socket.fd = fd;
	if (!p->paused)
		loop_watch(&p->socket, fd, EPOLLIN, readable);
}

static void connected(struct loop_fd *fd, uint32_t events)
{
	struct podport *p = container_of(fd, struct podport, socket);
	int error = 0;
	socklen_t size = sizeof(error);
	(void)events;
	getsockopt(fd->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		podport_fail(p, error);
		return;
	}
	p->state = PODPORT_CONNECTED;
	p->out.fd = fcntl(fd->fd, F_DUPFD_CLOEXEC, 0);
	watch(p);
	pump_write(&p->out, "", 0); /* what came before */
	end_if_drained(p);
}

void podport_open(struct podport *p, const struct request *r, int number)
{
	struct sockaddr_in to = address_of(number);
	int fd = netns_socket(netns_of(r, number));
	p->state = PODPORT_CONNECTING;
	p->r = r;
	p->number = number;
	p->out.drained = out_drained;
	if (fd < 0) {
		podport_fail(p, -fd);
		return;
	}
	p->socket.fd = fd;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		podport_fail(p, errno);
	else
		loop_watch(&p->socket, fd, EPOLLOUT, connected);
}

void podport_write(struct podport *p, const char *bytes, size_t len)
{
	if (p->state == PODPORT_CONNECTED)
		pump_write(&p->out, bytes, len);
	else if (p->state != PODPORT_CLOSED)
		buf_add(&p->out.pending, bytes, len);
}

void podport_end(struct podport *p)
{
	p->ends = true;
	if (p->state == PODPORT_CONNECTED)
		end_if_drained(p);
}

void podport_pause(struct podport *p, bool pause)
{
	if (p->paused == pause)
		return;
	p->paused = pause;
	if (p->state == PODPORT_CONNECTED)
		watch(p);
}
