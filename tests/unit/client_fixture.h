/* SPDX-License-Identifier: Apache-2.0 */
/* A loop, a client made from a kubeconfig, and calls that the test waits for. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_server.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"
#include "k8s/request.h"

struct fixture {
	char dir[64];        /* a temporary directory, removed at the end */
	char kubeconfig[96]; /* a file in it */
	struct loop *loop;
	struct client *client;
};

/* One call and its outcome. */
struct call {
	struct loop_job job;
	struct fixture *fixture;
	struct request_spec spec;
	int64_t timeout_ms;      /* 0: 3 s */
	bool endless;            /* no deadline: a stream */
	struct request *request; /* loop thread */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int done; /* times */
	int r, http, status_code;
	bool ambiguous;
	char body[4096], warning[256], error[1024];
	void (*on_end)(struct call *call); /* on the loop thread, may be NULL */
};

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void fixture_make_dir(struct fixture *f)
{
	strcpy(f->dir, "/tmp/weaverfs-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->kubeconfig, sizeof(f->kubeconfig), "%s/config", f->dir);
}

static inline void fixture_remove_dir(struct fixture *f)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", f->dir);
	assert_int_equal(system(command), 0);
}

/* Starts the loop with the kubeconfig that has been written. */
static inline void fixture_connect(struct fixture *f)
{
	const struct cluster_source source = { .path = f->kubeconfig };
	struct error e = ERROR_INIT;
	struct cluster *cluster;

	if (cluster_load(&source, &cluster, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(loop_new(&f->loop, &e), 0);
	assert_int_equal(client_new(f->loop, cluster, "weaverfs/test", &f->client, &e), 0);
	assert_int_equal(loop_start(f->loop, "cluster", &e), 0);
}

static inline void fixture_init(struct fixture *f, int port)
{
	char yaml[512];

	fixture_make_dir(f);
	snprintf(yaml, sizeof(yaml),
		 "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
		 "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n",
		 port);
	write_file(f->kubeconfig, yaml);
	fixture_connect(f);
}

static inline void fixture_done(struct fixture *f)
{
	loop_stop(f->loop);
	client_free(f->client);
	loop_free(f->loop);
	fixture_remove_dir(f);
}

static inline void call_ended(void *data, const struct reply *reply)
{
	struct call *c = data;

	pthread_mutex_lock(&c->mutex);
	c->r = reply->r;
	c->http = reply->http;
	c->ambiguous = reply->ambiguous;
	c->status_code = reply->status ? reply->status->code : 0;
	snprintf(c->body, sizeof(c->body), "%s", reply->body);
	snprintf(c->warning, sizeof(c->warning), "%s", reply->warning ? reply->warning : "");
	snprintf(c->error, sizeof(c->error), "%s", reply->error.text);
	c->request = NULL;
	if (c->on_end)
		c->on_end(c);
	c->done++;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->mutex);
}

static inline void call_begin(struct loop_job *job)
{
	struct call *c = (struct call *)(void *)job;

	int64_t ms = c->timeout_ms ? c->timeout_ms : 3000;
	c->spec.deadline_ns = c->endless ? 0 : clock_monotonic_ns() + ms * CLOCK_NS_PER_MS;
	c->request = request_start(c->fixture->client, &c->spec);
	assert_non_null(c->request);
	assert_int_equal(c->done, 0); /* never from inside */
}

/* The rest of the spec is the test's to set before call_start(). */
static inline void call_init(struct call *c, struct fixture *f, enum request_method method,
			     const char *path, const char *body)
{
	*c = (struct call){ .fixture = f, .job.run = call_begin };
	c->spec = (struct request_spec){
		.method = method,
		.path = path,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.content_type = body ? "application/json" : NULL,
		.idempotent = method == REQUEST_GET,
		.on_done = call_ended,
		.data = c,
	};
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->cond, NULL);
}

static inline void call_start(struct call *c)
{
	loop_post(c->fixture->loop, &c->job);
}

static inline void call_wait(struct call *c)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&c->mutex);
	while (c->done == 0)
		assert_int_equal(pthread_cond_timedwait(&c->cond, &c->mutex, &until), 0);
	pthread_mutex_unlock(&c->mutex);
}

static inline void call_run(struct call *c)
{
	call_start(c);
	call_wait(c);
}

static inline void get(struct fixture *f, struct call *c, const char *path)
{
	call_init(c, f, REQUEST_GET, path, NULL);
	call_run(c);
}

static inline void post(struct fixture *f, struct call *c, const char *path, const char *body)
{
	call_init(c, f, REQUEST_POST, path, body);
	call_run(c);
}

/* A condition with a deadline of 5 s. */
#define wait_until(condition)                                                                      \
	do {                                                                                       \
		int64_t _end = clock_monotonic_ns() + 5 * CLOCK_NS_PER_S;                          \
		while (!(condition)) {                                                             \
			assert_true(clock_monotonic_ns() < _end);                                  \
			poll(NULL, 0, 2);                                                          \
		}                                                                                  \
	} while (0)
