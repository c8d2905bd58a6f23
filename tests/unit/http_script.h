/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted API server for unit tests: plain HTTP on loopback, one thread a connection. The test's
 * function answers the n-th request (from 0) with the calls below; GET /readyz is answered by
 * itself. And the other side of such a test: a client on a loop thread, a text that callbacks write
 * to, and a wait for what it must become.
 */
#pragma once
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "tests/unit/socket_server.h"

#define HTTP_SCRIPT_MAX 64

struct http_script {
	void (*answer)(struct http_script *s, int fd, unsigned n, const char *path);
	struct socket_server sockets;
	/* sockets.mutex guards what follows. */
	unsigned requests;
	char paths[HTTP_SCRIPT_MAX][512];
	struct buf text; /* what the callbacks have told */
	/* client side; set once */
	struct loop *loop;
	struct client *client;
};

static inline void http_reply(int fd, const char *status, const char *body)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b,
		   "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		   status, strlen(body), body);
	socket_write(fd, b.data, b.len);
}

/* A stream: head, chunks, and its clean end; without the end the connection just breaks. */
static inline void http_stream(int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";

	socket_write(fd, head, sizeof(head) - 1);
}

static inline void http_chunk(int fd, const char *text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, "%zx\r\n%s\r\n", strlen(text), text);
	socket_write(fd, b.data, b.len);
}

static inline void http_end(int fd)
{
	socket_write(fd, "0\r\n\r\n", 5);
}

static inline void http_break(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

/* Keeps the stream open until the client closes it, at most ms. */
static inline void http_hold(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, ms);
}

static inline bool http_read_request(int fd, char *path, size_t size)
{
	char head[8192];
	size_t len = 0;

	while (len < sizeof(head) - 1) {
		ssize_t n = recv(fd, head + len, sizeof(head) - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n"))
			break;
	}
	const char *from = strchr(head, ' ');
	size_t n = from ? strcspn(from + 1, " ") : 0;
	snprintf(path, size, "%.*s", (int)n, from ? from + 1 : "");
	return n > 0;
}

static inline void http_serve(void *data, int fd)
{
	struct http_script *s = data;
	char path[512];

	while (http_read_request(fd, path, sizeof(path))) {
		if (strcmp(path, "/readyz") == 0) {
			http_reply(fd, "200 OK", "ok");
			continue;
		}
		pthread_mutex_lock(&s->sockets.mutex);
		unsigned n = s->requests++;
		if (n < HTTP_SCRIPT_MAX)
			memcpy(s->paths[n], path, sizeof(path));
		pthread_mutex_unlock(&s->sockets.mutex);
		s->answer(s, fd, n, path);
	}
}

static inline struct cluster *http_script_cluster(int port)
{
	char path[] = "/tmp/http_script.XXXXXX";
	struct error e = ERROR_INIT;
	struct cluster *cluster = NULL;
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	assert(f);
	fprintf(f,
		"apiVersion: v1\nkind: Config\ncurrent-context: c\n"
		"clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
		"users: [{name: u, user: {token: t}}]\n"
		"contexts: [{name: c, context: {cluster: c, user: u}}]\n",
		port);
	fclose(f);
	int r = cluster_load(&(struct cluster_source){ .path = path }, &cluster, &e);
	unlink(path);
	if (r < 0)
		fprintf(stderr, "%s\n", e.text);
	assert(r == 0);
	return cluster;
}

static inline void http_script_start(struct http_script *s,
				     void (*answer)(struct http_script *s, int fd, unsigned n,
						    const char *path))
{
	*s = (struct http_script){ .answer = answer,
				   .sockets = { .serve = http_serve, .data = s } };
	pthread_mutex_init(&s->sockets.mutex, NULL);
	socket_server_bind(&s->sockets, 0);
	socket_server_listen(&s->sockets);
	int r = loop_new(&s->loop, NULL);
	assert(r == 0);
	r = client_new(s->loop, http_script_cluster(s->sockets.port), "test/1", &s->client, NULL);
	assert(r == 0);
	r = loop_start(s->loop, "loop", NULL);
	assert(r == 0);
}

/* The test has stopped its watch or stream before, on the loop thread. */
static inline void http_script_stop(struct http_script *s)
{
	loop_stop(s->loop);
	client_free(s->client);
	loop_free(s->loop);
	socket_server_stop(&s->sockets);
	buf_done(&s->text);
	pthread_mutex_destroy(&s->sockets.mutex);
}

struct http_call {
	struct loop_job job;
	void (*call)(void *data);
	void *data;
	sem_t done;
};

static inline void http_run_call(struct loop_job *job)
{
	struct http_call *c = container_of(job, struct http_call, job);

	c->call(c->data);
	sem_post(&c->done);
}

/* Calls call(data) on the loop thread and waits for it. */
static inline void http_script_call(struct http_script *s, void (*call)(void *data), void *data)
{
	struct http_call c = { .job.run = http_run_call, .call = call, .data = data };

	sem_init(&c.done, 0, 0);
	loop_post(s->loop, &c.job);
	sem_wait(&c.done);
	sem_destroy(&c.done);
}

static inline void http_script_tell(struct http_script *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void http_script_tell(struct http_script *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&s->sockets.mutex);
	buf_vprintf(&s->text, fmt, ap);
	pthread_mutex_unlock(&s->sockets.mutex);
	va_end(ap);
}

/* Waits until the text is this, or has only this much of it; ends the program after 10 s. */
static inline void http_script_expect(struct http_script *s, const char *text)
{
	int64_t end_ns = clock_monotonic_ns() + 10 * CLOCK_NS_PER_S;

	for (;; usleep(2000)) {
		pthread_mutex_lock(&s->sockets.mutex);
		bool same = strcmp(buf_str(&s->text), text) == 0;
		if (!same && clock_monotonic_ns() > end_ns) {
			fprintf(stderr, "told: %s\nwant: %s\n", buf_str(&s->text), text);
			for (unsigned i = 0; i < s->requests && i < HTTP_SCRIPT_MAX; i++)
				fprintf(stderr, "request %u: %s\n", i, s->paths[i]);
			abort();
		}
		pthread_mutex_unlock(&s->sockets.mutex);
		if (same)
			return;
	}
}

static inline unsigned http_script_requests(struct http_script *s)
{
	pthread_mutex_lock(&s->sockets.mutex);
	unsigned n = s->requests;
	pthread_mutex_unlock(&s->sockets.mutex);
	return n;
}

static inline void http_script_expect_requests(struct http_script *s, unsigned n)
{
	for (int i = 0; i < 5000 && http_script_requests(s) < n; i++)
		usleep(2000);
	assert(http_script_requests(s) >= n);
}
