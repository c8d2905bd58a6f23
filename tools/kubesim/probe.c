/* SPDX-License-Identifier: Apache-2.0 */
/* See probe.h. */
#include "tools/kubesim/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/kubesim/loop.h"
#include "tools/kubesim/netns.h"

struct probe {
	struct loop_fd socket;
	struct loop_timer timer;
	bool http, sent;
	int port;
	char ip[16], path[256];
	char answer[64];
	size_t len;
	void (*result)(void *data, bool good, const char *text);
	void *data;
};

void probe_cancel(struct probe *p)
{
	if (!p)
		return;
	int fd = p->socket.fd;
	loop_unwatch(&p->socket);
	if (fd >= 0)
		close(fd);
	loop_timer_stop(&p->timer);
	free(p);
}

static void finish(struct probe *p, bool good, const char *why)
{
	char text[512];
	if (p->http)
		snprintf(text, sizeof(text), "Get \"http://%s:%d%s\": %s", p->ip, p->port, p->path,
			 why);
	else
		snprintf(text, sizeof(text), "dial tcp %s:%d: %s", p->ip, p->port, why);
	void (*result)(void *, bool, const char *) = p->result;
	void *data = p->data;
	probe_cancel(p);
	result(data, good, text);
}

static void timed_out(struct loop_timer *t)
{
	finish(container_of(t, struct probe, timer), false, "context deadline exceeded");
}

static void answer_read(struct probe *p)
{
	ssize_t n = read(p->socket.fd, p->answer + p->len, sizeof(p->answer) - 1 - p->len);
	if (n < 0 && errno == EAGAIN)
		return;
	p->len += n > 0 ? (size_t)n : 0;
	p->answer[p->len] = '\0';
	int status = 0;
	if (p->len < 12 && n > 0)
		return;
	if (sscanf(p->answer, "HTTP/%*s %d", &status) != 1)
		finish(p, false, "EOF");
	else if (status >= 200 && status < 400)
		finish(p, true, "ok");
	else
		finish(p, false, "HTTP probe failed with statuscode: not in 200-399");
}

static void ready(struct loop_fd *f, uint32_t events)
{
	struct probe *p = container_of(f, struct probe, socket);
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		char why[160];
		snprintf(why, sizeof(why), "dial tcp %s:%d: connect: connection refused", p->ip,
			 p->port);
		finish(p, false, error == ECONNREFUSED ? why : strerror(error));
		return;
	}
	if (!p->http) {
		finish(p, true, "ok");
		return;
	}
	if (p->sent) {
		answer_read(p);
		return;
	}
	if (!(events & EPOLLOUT))
		return;
	char request[512];
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: kube-probe/1.34\r\n"
			 "Accept: */*\r\nConnection: close\r\n\r\n",
			 p->path, p->ip, p->port);
	if (write(f->fd, request, (size_t)n) != n) {
		finish(p, false, "write: broken pipe");
		return;
	}
	p->sent = true;
	int fd = f->fd;
	loop_unwatch(f);
	loop_watch(f, fd, EPOLLIN, ready);
}

struct probe *probe_start(const cJSON *spec, const char *ip, pid_t netns,
			  void (*result)(void *data, bool good, const char *text), void *data)
{
	struct probe *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	const cJSON *http = json_at(spec, "httpGet");
	p->http = http != NULL;
	p->port = (int)json_int(http ? http : json_at(spec, "tcpSocket"), "port", 0);
	snprintf(p->ip, sizeof(p->ip), "%s", ip);
	snprintf(p->path, sizeof(p->path), "%s", json_str_or(http, "path", "/"));
	p->result = result;
	p->data = data;
	p->socket.fd = -1;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p->port) };
	inet_pton(AF_INET, ip, &to.sin_addr);
	int fd = netns_socket(netns);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 &&
	    errno != EINPROGRESS && errno != ECONNREFUSED) {
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		loop_watch(&p->socket, fd, EPOLLOUT | EPOLLERR | EPOLLHUP, ready);
	loop_timer_set(&p->timer, 1000 * json_int(spec, "timeoutSeconds", 1), timed_out);
	return p;
}
