/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logs of one weaver with real spools and parks, and a registry, a stream, a loop and a libfuse
 * of our own, for the tests of fs/logs/logs.c and fs/logs/log_file.c.
 */
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/archive/archive.h"
#include "fs/attr/attr.h"
#include "fs/errors.h"
#include "fs/logs/log_source.h"
#include "fs/logs/logs.h"
#include "fs/logs/spool.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/registry.h"
#include "fs/stream/stream.h"
#include "fs/weaverfs.h"
#include "k8s/log_stream.h"
#include "k8s/request.h"
#include "tests/unit/fake_loop.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define OTHER "7d1f2a33-5c11-4a4f-9d5c-0a9f0b5c4c4e"
#define WANTED "9f7d1f2a-5c11-4a4f-9d5c-0a9f0b5c4c4e"
#define OBJECT 0x1234567
#define ALIAS 0x89abcde

/* ---- libfuse ---- */

struct fuse_req {
	bool interrupted;
	fuse_interrupt_func_t func;
	void *data;
	/* how it was answered */
	bool told; /* opened() was called */
	int error; /* -1: not */
	char text[1024];
	struct spool *spool; /* ours */
};

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	req->func = func;
	req->data = data;
	if (req->interrupted && func)
		func(req, data);
}

int fuse_reply_err(fuse_req_t req, int err)
{
	assert_int_equal(req->error, -1);
	req->error = err;
	return 0;
}

static inline void interrupt(fuse_req_t req)
{
	req->interrupted = true;
	if (req->func)
		req->func(req, req->data);
}

/* ---- the registry: one weaver ---- */

static struct pod_container container = { .name = "weaver", .id = "containerd://1" };
static struct pod pod = {
	.refs = 1,
	.name = "weaver-x",
	.namespace_ = "ns",
	.uid = UID,
	.phase = "Running",
	.containers = &container,
	.n_containers = 1,
};
static bool present, gone;
static struct spool *registered;

static inline int view(struct registry_view *ret, uint64_t object)
{
	if (!present)
		return -ENOENT;
	*ret = (struct registry_view){ .object = object, .name = "fix-42", .gone = gone };
	ret->pod = pod_ref(&pod);
	return 0;
}

int registry_find(struct registry *r, uint64_t object, struct registry_view *ret)
{
	(void)r;
	return object == OBJECT || object == ALIAS ? view(ret, object) : -ENOENT;
}

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	(void)r;
	return strcmp(uid, UID) == 0 ? view(ret, OBJECT) : -ENOENT;
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
}

void registry_set_spool(struct registry *r, const char *uid, enum spool_kind kind,
			struct spool *spool)
{
	(void)r;
	assert_string_equal(uid, UID);
	assert_int_equal(kind, SPOOL_LOGS);
	spool_unref(registered);
	registered = spool_ref(spool);
}

/* ---- the archive, and the pokes ---- */

void poke_grown(struct poke *p, uint64_t object, unsigned row)
{
	(void)p;
	assert_int_equal(object, OBJECT);
	assert_int_equal(row, 6);
}

unsigned table_find(const char *name, unsigned scope, const char *dir)
{
	assert_string_equal(name, "logs");
	assert_int_equal(scope, ATTR_LIVE);
	assert_null(dir);
	return 6;
}

bool archive_wants_spool(struct archive *a, const char *uid)
{
	(void)a;
	return strcmp(uid, WANTED) == 0;
}

/* ---- the stream ---- */

struct log_stream {
	struct log_stream_spec spec;
	unsigned refreshes, pokes;
};
static struct log_stream *stream; /* NULL: closed */
static unsigned streams;

int log_stream_start(const struct log_stream_spec *spec, struct log_stream **ret, struct error *e)
{
	(void)e;
	assert_null(stream);
	assert_string_equal(spec->container, "weaver");
	stream = calloc(1, sizeof(*stream));
	stream->spec = *spec;
	streams++;
	*ret = stream;
	return 0;
}

void log_stream_stop(struct log_stream *s)
{
	assert_ptr_equal(s, stream);
	free(s);
	stream = NULL;
}

void log_stream_refresh(struct log_stream *s)
{
	s->refreshes++;
}

void log_stream_poke(struct log_stream *s)
{
	s->pokes++;
}

static bool stream_complete = true;
bool log_stream_complete(const struct log_stream *s)
{
	(void)s;
	return stream_complete;
}

static inline int lines(const char *text, int64_t ns)
{
	struct log_position pos = { .container_id = "containerd://1", .last_ns = ns, .same = 1 };

	return stream->spec.ops->lines(stream->spec.data, text, strlen(text), &pos);
}

static inline void caught_up(int r)
{
	struct error e = ERROR_INIT;

	error_set(&e, -r, "dial tcp: connection refused");
	stream->spec.ops->caught_up(stream->spec.data, r, &e);
}

static inline void ended(void)
{
	stream->spec.ops->ended(stream->spec.data);
}

/* ---- the rest of the world ---- */

static unsigned wakes; /* of the weaver's streams */

void stream_wake(struct streams *s, uint64_t object)
{
	(void)s;
	assert_int_equal(object, OBJECT);
	wakes++;
}

static struct error away; /* code 0: the server is there */
static unsigned n_errors;
static struct error last_error;

bool client_away(const struct client *c, struct error *e)
{
	(void)c;
	if (away.code)
		*e = away;
	return away.code != 0;
}

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	(void)l;
	(void)uid;
	assert_string_equal(op, "logs");
	assert_string_equal(path, "fix-42/logs");
	n_errors++;
	last_error = *error;
}

static char state_dir[64];
static struct metrics metrics;
static struct weaverfs fs = { .metrics = &metrics, .state_dir = state_dir };
static struct logs *logs;

static void opened(void *data, fuse_req_t req, struct spool *spool, const struct error *e)
{
	fuse_req_t mine = data;

	assert_false(mine->told);
	mine->told = true;
	if (!req) {
		assert_null(spool);
		assert_null(e);
		assert_int_equal(mine->error, EINTR);
		return;
	}
	assert_ptr_equal(req, mine);
	assert_int_equal(req->error, -1);
	req->error = e ? e->code : 0;
	req->spool = spool;
	if (e)
		strcpy(req->text, e->text);
}

/* An OPEN; it is under way when this returns. */
static inline void open_logs(fuse_req_t req, uint64_t object)
{
	*req = (struct fuse_req){ .error = -1 };
	logs_open(logs, req, object, opened, req);
	assert_false(req->told);
	fake_run();
}

static inline void release_logs(fuse_req_t req, uint64_t object)
{
	spool_unref(req->spool);
	logs_release(logs, object);
	fake_run();
}

static inline const char *content(struct spool *s)
{
	static char text[1000];
	struct spool_reader *r;

	assert_int_equal(spool_reader_new(s, &r), 0);
	ssize_t n = spool_reader_read(r, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	spool_reader_free(r);
	return text;
}

static inline bool spool_exists(const char *uid)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/spool/%s.log", state_dir, uid);
	return access(path, F_OK) == 0;
}

static inline int set_up(void **state)
{
	(void)state;
	strcpy(state_dir, "/tmp/test_logs.XXXXXX");
	present = true;
	gone = false;
	container.state = POD_STATE_RUNNING;
	container.id = "containerd://1";
	pod.phase = "Running";
	away.code = 0;
	n_errors = streams = wakes = 0;
	memset(&metrics, 0, sizeof(metrics));
	return mkdtemp(state_dir) ? logs_new(&fs, &log_source_logs, &logs, NULL) : -1;
}

static inline int tear_down(void **state)
{
	char command[100];

	(void)state;
	logs_free(logs);
	assert_null(stream);
	assert_true(list_empty(&fake_timers) && list_empty(&fake_jobs));
	assert_int_equal(pod.refs, 1);
	spool_unref(registered);
	registered = NULL;
	snprintf(command, sizeof(command), "rm -r %s", state_dir);
	return system(command);
}
