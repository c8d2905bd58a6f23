/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams with a real registry and real parks; a libfuse, a loop, a table and a log of our own. For
 * the tests of fs/stream/stream.c and the kinds of streams.
 */
#pragma once
#include "tests/unit/pods.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>

#include "fs/attr/attr.h"
#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/logs/logs.h"
#include "fs/logs/spool.h"
#include "fs/registry.h"
#include "fs/stream/stream.h"
#include "fs/tree/ino.h"
#include "fs/weaverfs.h"
#include "k8s/request.h"
#include "tests/unit/fake_loop.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define OBJECT ino_object_of(UID, "")
#define ALIAS ino_object_of(UID, "id")

/* ---- libfuse ---- */

struct fuse_req {
	bool interrupted, answered;
	fuse_interrupt_func_t func;
	void *data;
	/* how it was answered */
	int error;
	unsigned revents;
	bool opening;
	char text[8192];
	size_t len;
};
struct fuse_pollhandle {
	int notified, destroyed;
};
static int open_result; /* of the answer to an open */

static inline void answered(fuse_req_t req)
{
	assert_false(req->answered);
	assert_null(req->func);
	req->answered = true;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	req->func = func;
	req->data = data;
	if (req->interrupted && func)
		func(req, data);
}

int fuse_reply_err(fuse_req_t req, int err)
{
	answered(req);
	req->error = err;
	return 0;
}

int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
	answered(req);
	assert_true(size < sizeof(req->text));
	if (size)
		memcpy(req->text, buf, size);
	req->len = size;
	return req->opening ? open_result : 0;
}

int fuse_reply_poll(fuse_req_t req, unsigned revents)
{
	answered(req);
	req->revents = revents;
	return 0;
}

int fuse_lowlevel_notify_poll(struct fuse_pollhandle *ph)
{
	assert_int_equal(ph->destroyed, 0);
	ph->notified++;
	return 0;
}

void fuse_pollhandle_destroy(struct fuse_pollhandle *ph)
{
	ph->destroyed++;
}

/* ---- the table: .weaverfs/follow/x, WEAVER/follow/x ---- */

static const struct attr rows[] = { { .name = "" }, { .name = "x", .dir = "follow" } };
const struct attr *const table_rows = rows;

/* ---- the log ---- */

static struct spool *spool;
static int followers;
static bool log_ended;

int logs_follow(struct logs *l, uint64_t object, struct spool **ret, struct error *e)
{
	(void)l;
	(void)e;
	assert_true(object == OBJECT || object == ALIAS);
	followers++;
	*ret = spool_ref(spool);
	return 0;
}

void logs_unfollow(struct logs *l, uint64_t object)
{
	(void)l;
	(void)object;
	followers--;
}

bool logs_ended(struct logs *l, uint64_t object)
{
	(void)l;
	(void)object;
	return log_ended;
}

/* ---- the rest ---- */

int64_t client_server_time(const struct client *c)
{
	(void)c;
	return clock_realtime_ns() / CLOCK_NS_PER_S;
}

static struct config config = { .max_ttl_hours = 48, .ready_timeout_secs = 60 };
static struct weaverfs fs = { .config = &config, .uid = 500, .gid = 500 };
static const struct caller root = { .pid = 1 };
static unsigned versions;

/* The weaver as it is now; more: further members of its status, "" none. */
static inline struct pod *pod_of(const char *meta, const char *phase, const char *state)
{
	char json[2000];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"weaver-x\",\"namespace\":\"n\",\"uid\":\"" UID "\","
		 "\"creationTimestamp\":\"2027-01-15T08:00:00Z\","
		 "\"labels\":{\"loom.dev/name\":\"fix-42\"},\"resourceVersion\":\"%u\"%s},"
		 "\"spec\":{\"containers\":[{\"name\":\"weaver\",\"image\":\"i\"}]},"
		 "\"status\":{\"phase\":\"%s\"%s%s%s}}",
		 ++versions, meta, phase,
		 *state ? ",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":" : "", state,
		 *state ? "}]" : "");
	return pods_parse(json);
}

#define RUNNING "{\"running\":{\"startedAt\":\"2026-01-01T00:00:01Z\"}}"
#define EXITED_7                                                                                   \
	"{\"terminated\":{\"exitCode\":7,\"reason\":\"Error\",\"startedAt\":\"2026-01-01T00:00:"   \
	"01Z\",\"finishedAt\":\"2026-01-01T00:00:09Z\"}}"
#define NOT_STARTED                                                                                \
	"{\"terminated\":{\"exitCode\":128,\"reason\":\"StartError\",\"startedAt\":"               \
	"\"1970-01-01T00:00:00Z\"}}"
#define DELETED ",\"deletionTimestamp\":\"2026-01-01T01:00:05Z\",\"deletionGracePeriodSeconds\":5"

/* What sync does with a newer state. */
static inline void put(const char *meta, const char *phase, const char *state)
{
	struct pod *pod = pod_of(meta, phase, state);
	struct registry_view before, now;
	bool known = registry_find_uid(fs.registry, UID, &before) == 0;

	registry_apply(fs.registry, pod, fake_now_ns);
	assert_int_equal(registry_find_uid(fs.registry, UID, &now), 0);
	stream_pod_changed(fs.streams, known ? before.pod : NULL, &now);
	if (known)
		registry_view_done(&before);
	registry_view_done(&now);
	pod_unref(pod);
}

static inline void take_away(void)
{
	registry_remove(fs.registry, UID);
	stream_wake(fs.streams, OBJECT);
}

/* ---- what the kernel asks ---- */

static inline struct stream *open_as(uint64_t object, const struct stream_ops *ops,
				     const struct caller *caller)
{
	struct fuse_req req = { .opening = true };
	struct fuse_file_info fi = { 0 };
	struct fuse_open_out out;

	stream_open(fs.streams, &req, ino_make(object, 1), ops, &fi, caller);
	fake_run();
	assert_true(req.answered);
	if (req.error) {
		errno = req.error;
		return NULL;
	}
	assert_int_equal(req.len, sizeof(out));
	memcpy(&out, req.text, sizeof(out));
	assert_int_equal(out.open_flags, FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_STREAM);
	return (struct stream *)(uintptr_t)out.fh;
}

static inline struct stream *open_stream(uint64_t object, const struct stream_ops *ops)
{
	return open_as(object, ops, &root);
}

static inline void read_flags(fuse_req_t req, struct stream *f, size_t size, int flags)
{
	struct fuse_file_info fi = { .flags = flags };

	*req = (struct fuse_req){ .interrupted = req->interrupted };
	stream_read(fs.streams, req, f, size, &fi);
	fake_run();
}

static inline void start_read(fuse_req_t req, struct stream *f)
{
	req->interrupted = false;
	read_flags(req, f, 4096, 0);
}

/* What a read gives at once; it must. */
static inline const char *read_now(struct stream *f)
{
	static struct fuse_req req;

	start_read(&req, f);
	assert_true(req.answered);
	assert_int_equal(req.error, 0);
	return req.text;
}

static inline int read_nonblock(struct stream *f)
{
	struct fuse_req req = { 0 };

	read_flags(&req, f, 4096, O_NONBLOCK);
	assert_true(req.answered);
	return req.error;
}

static inline bool poll_stream(struct stream *f, struct fuse_pollhandle *ph)
{
	struct fuse_req req = { 0 };

	stream_poll(fs.streams, &req, f, ph);
	assert_true(req.answered);
	return req.revents & POLLIN;
}

static inline void interrupt(fuse_req_t req)
{
	req->interrupted = true;
	if (req->func)
		req->func(req, req->data);
	fake_run();
}

static inline void close_stream(struct stream *f)
{
	struct fuse_req req = { 0 };

	stream_release(fs.streams, &req, f);
	fake_run();
	assert_true(req.answered);
}

static inline int set_up(void **state)
{
	struct error e = ERROR_INIT;
	struct log_position pos;

	(void)state;
	open_result = 0;
	log_ended = false;
	assert_int_equal(registry_new(&fs.registry, &e), 0);
	assert_int_equal(errors_new(&fs.errors, &e), 0);
	assert_int_equal(spool_open("", UID, SPOOL_LOGS, 1 << 20, &spool, &pos, &e), 0);
	return stream_new(&fs, &fs.streams, &e);
}

static inline int tear_down(void **state)
{
	(void)state;
	stream_free(fs.streams);
	fake_run();
	assert_true(list_empty(&fake_timers) && list_empty(&fake_jobs));
	assert_int_equal(followers, 0);
	spool_unref(spool);
	errors_free(fs.errors);
	registry_free(fs.registry);
	return 0;
}
