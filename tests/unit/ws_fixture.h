/* SPDX-License-Identifier: Apache-2.0 */
/* A ws thread with a client of a ws_server.h, and one channel that the test waits for. */
#pragma once
#include "client_fixture.h"
#include "k8s/channel.h"
#include "k8s/ws.h"
#include "ws_server.h"

struct channel_call {
	struct ws_job job;
	struct channel_spec spec;
	struct channel *channel; /* ws thread */
	int r;                   /* of channel_open() */
	struct error error;
	pthread_mutex_t mutex; /* guards what follows */
	bool opened, ended;
	unsigned writables;
	struct buf out, err;
	struct channel_end end;
};

struct test {
	struct ws_server server;
	struct fixture fixture;
	struct ws *ws;
	struct channel_call call;
};

static struct test t; /* of the test under way */

static inline void call_on_opened(void *data)
{
	struct channel_call *c = data;

	pthread_mutex_lock(&c->mutex);
	c->opened = true;
	pthread_mutex_unlock(&c->mutex);
}

static inline void call_on_output(void *data, enum channel_stream stream, const char *bytes,
				  size_t len)
{
	struct channel_call *c = data;

	pthread_mutex_lock(&c->mutex);
	buf_add(stream == CHANNEL_ERR ? &c->err : &c->out, bytes, len);
	pthread_mutex_unlock(&c->mutex);
}

static inline void call_on_writable(void *data)
{
	struct channel_call *c = data;

	pthread_mutex_lock(&c->mutex);
	c->writables++;
	pthread_mutex_unlock(&c->mutex);
}

static inline void call_on_ended(void *data, const struct channel_end *end)
{
	struct channel_call *c = data;

	pthread_mutex_lock(&c->mutex);
	assert_false(c->ended);
	c->ended = true;
	c->end = *end;
	c->channel = NULL;
	pthread_mutex_unlock(&c->mutex);
}

static const struct channel_ops call_ops = {
	.opened = call_on_opened,
	.output = call_on_output,
	.writable = call_on_writable,
	.ended = call_on_ended,
};

static inline void call_begin_channel(struct ws_job *job)
{
	struct channel_call *c = container_of(job, struct channel_call, job);

	int r = channel_open(t.ws, &c->spec, &c->channel, &c->error);
	pthread_mutex_lock(&c->mutex);
	c->r = r;
	pthread_mutex_unlock(&c->mutex);
}

/* Something for the ws thread, waited for. */
struct on_ws {
	struct ws_job job;
	void (*run)(void);
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool done;
};

static inline void on_ws_run(struct ws_job *job)
{
	struct on_ws *o = container_of(job, struct on_ws, job);

	o->run();
	pthread_mutex_lock(&o->mutex);
	o->done = true;
	pthread_cond_signal(&o->cond);
	pthread_mutex_unlock(&o->mutex);
}

static inline void on_ws(void (*run)(void))
{
	struct on_ws o = { .job.run = on_ws_run, .run = run };

	pthread_mutex_init(&o.mutex, NULL);
	pthread_cond_init(&o.cond, NULL);
	ws_post(t.ws, &o.job);
	pthread_mutex_lock(&o.mutex);
	while (!o.done)
		pthread_cond_wait(&o.cond, &o.mutex);
	pthread_mutex_unlock(&o.mutex);
}

static inline bool call_has_ended(void)
{
	pthread_mutex_lock(&t.call.mutex);
	bool ended = t.call.ended;
	pthread_mutex_unlock(&t.call.mutex);
	return ended;
}

static inline void ws_setup(void (*serve)(struct ws_peer *p), const char *protocol)
{
	struct error e = ERROR_INIT;

	t.server.serve = serve;
	t.server.protocol = protocol;
	if (!t.server.plain)
		t.server.plain = "HTTP/1.1 400 Bad Request\r\nContent-Length: 24\r\n"
				 "Connection: close\r\n\r\nUpgrade request required";
	ws_server_start(&t.server);
	fixture_init(&t.fixture, t.server.sockets.port);
	assert_int_equal(ws_new(t.fixture.client, &t.ws, &e), 0);
	assert_int_equal(ws_start(t.ws, "ws", &e), 0);
}

static inline void call_prepare(const char *const *argv)
{
	t.call.job.run = call_begin_channel;
	pthread_mutex_init(&t.call.mutex, NULL);
	t.call.spec = (struct channel_spec){
		.kind = CHANNEL_EXEC,
		.namespace_ = "n",
		.pod = "p",
		.container = "c",
		.argv = argv,
		.in = true,
		.out = true,
		.err = true,
		.ops = &call_ops,
		.data = &t.call,
	};
}

static inline void call_exec(const char *const *argv)
{
	call_prepare(argv);
	ws_post(t.ws, &t.call.job);
}

static inline void ws_detach_job(struct loop_job *job)
{
	(void)job;
	ws_detach(t.ws);
}

static inline void close_channel(void)
{
	channel_close(t.call.channel);
	t.call.channel = NULL;
}

static inline void ws_teardown(void)
{
	struct loop_job detach = { .run = ws_detach_job };

	on_ws(close_channel);
	list_init(&detach.node);
	loop_post(t.fixture.loop, &detach);
	ws_stop(t.ws);
	fixture_done(&t.fixture);
	ws_free(t.ws);
	ws_server_stop(&t.server);
	buf_done(&t.call.out);
	buf_done(&t.call.err);
	t = (struct test){ 0 };
}
