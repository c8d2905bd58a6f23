/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs/logs.c and fs/log_file.c with real spools and parks, and a registry, a stream, a loop and a
 * libfuse of our own: when an open is answered, with what, and when the stream goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <signal.h>

#include <cmocka.h>

#include "fs/errors.h"
#include "fs/log_file.h"
#include "fs/logs.h"
#include "fs/metrics.h"
#include "fs/registry.h"
#include "fs/spool.h"
#include "fs/weaverfs.h"
#include "k8s/log_stream.h"
#include "k8s/request.h"
#include "tests/unit/fake_loop.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define OTHER "7d1f2a33-5c11-4a4f-9d5c-0a9f0b5c4c4e"
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

static void interrupt(fuse_req_t req)
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

static int view(struct registry_view *ret, uint64_t object)
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

void registry_set_logs(struct registry *r, const char *uid, struct spool *logs)
{
	(void)r;
	assert_string_equal(uid, UID);
	spool_unref(registered);
	registered = spool_ref(logs);
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

static int lines(const char *text, int64_t ns)
{
	struct log_position pos = { .container_id = "containerd://1", .last_ns = ns, .same = 1 };

	return stream->spec.ops->lines(stream->spec.data, text, strlen(text), &pos);
}

static void caught_up(int r)
{
	struct error e = ERROR_INIT;

	error_set(&e, -r, "dial tcp: connection refused");
	stream->spec.ops->caught_up(stream->spec.data, r, &e);
}

static void ended(void)
{
	stream->spec.ops->ended(stream->spec.data);
}

/* ---- the rest of the world ---- */

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
static void open_logs(fuse_req_t req, uint64_t object)
{
	*req = (struct fuse_req){ .error = -1 };
	logs_open(logs, req, object, opened, req);
	assert_false(req->told);
	fake_run();
}

static void release_logs(fuse_req_t req, uint64_t object)
{
	spool_unref(req->spool);
	logs_release(logs, object);
	fake_run();
}

static const char *content(struct spool *s)
{
	static char text[1000];
	struct spool_reader *r;

	assert_int_equal(spool_reader_new(s, &r), 0);
	ssize_t n = spool_read(r, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	spool_reader_free(r);
	return text;
}

static bool spool_exists(const char *uid)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/spool/%s.log", state_dir, uid);
	return access(path, F_OK) == 0;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(state_dir, "/tmp/test_logs.XXXXXX");
	present = true;
	gone = false;
	container.state = POD_STATE_RUNNING;
	container.id = "containerd://1";
	pod.phase = "Running";
	away.code = 0;
	n_errors = streams = 0;
	memset(&metrics, 0, sizeof(metrics));
	return mkdtemp(state_dir) ? logs_new(&fs, &logs, NULL) : -1;
}

static int tear_down(void **state)
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

/* ---- opening ---- */

static void logs_open_waits_until_caught_up(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	assert_non_null(stream);
	assert_int_equal(stream->spec.from.last_ns, 0);
	assert_int_equal(lines("one\ntwo\n", 5), 0);
	assert_false(a.told);
	caught_up(0);
	assert_int_equal(a.error, 0);
	assert_string_equal(content(a.spool), "one\ntwo\n");
	assert_ptr_equal(a.spool, registered);
	release_logs(&a, OBJECT);
}

static void logs_open_unknown_object_is_enoent(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, 0x999);
	assert_int_equal(a.error, ENOENT);
	assert_null(stream);
}

static void logs_open_during_question_waits_for_the_next(void **state)
{
	struct fuse_req a, b, c;

	(void)state;
	open_logs(&a, OBJECT);
	open_logs(&b, ALIAS);
	open_logs(&c, OBJECT);
	assert_int_equal(stream->refreshes, 0);
	caught_up(0);
	assert_true(a.told);
	assert_false(b.told);
	assert_int_equal(stream->refreshes, 1);
	caught_up(0);
	assert_int_equal(b.error, 0);
	assert_int_equal(c.error, 0);
	assert_int_equal(stream->refreshes, 1);
	release_logs(&a, OBJECT);
	release_logs(&b, ALIAS);
	/* A later one asks again, on the same stream. */
	struct fuse_req d;
	open_logs(&d, OBJECT);
	assert_int_equal(stream->refreshes, 2);
	caught_up(0);
	assert_int_equal(d.error, 0);
	assert_int_equal(streams, 1);
	release_logs(&c, OBJECT);
	release_logs(&d, OBJECT);
}

static void logs_open_pending_pod_is_empty_at_once(void **state)
{
	struct fuse_req a;

	(void)state;
	container.state = POD_STATE_WAITING;
	container.id = "";
	away.code = EHOSTUNREACH;
	open_logs(&a, OBJECT);
	assert_int_equal(a.error, 0);
	assert_string_equal(content(a.spool), "");
	assert_non_null(stream); /* it waits for the container */
	container.state = POD_STATE_RUNNING;
	container.id = "containerd://1";
	logs_pod_changed(logs, UID, false);
	assert_int_equal(stream->pokes, 1);
	lines("hello\n", 1);
	assert_string_equal(content(a.spool), "hello\n");
	release_logs(&a, OBJECT);
}

static void logs_open_late_answers_with_what_there_is(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	fake_advance(1999);
	assert_false(a.told);
	fake_advance(1);
	assert_int_equal(a.error, 0);
	assert_string_equal(content(a.spool), "one\n");
	release_logs(&a, OBJECT);
}

static void logs_open_late_and_empty_is_etimedout(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	fake_advance(2000);
	assert_int_equal(a.error, ETIMEDOUT);
	assert_non_null(strstr(a.text, "log of fix-42: "));
	fake_advance(60000);
	assert_null(stream); /* nobody was left to read */
}

static void logs_open_server_away_fails_only_when_empty(void **state)
{
	struct fuse_req a, b;

	(void)state;
	open_logs(&a, OBJECT);
	caught_up(-EHOSTUNREACH);
	assert_int_equal(a.error, EHOSTUNREACH);
	assert_string_equal(a.text, "log of fix-42: dial tcp: connection refused");
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(-EHOSTUNREACH);
	assert_int_equal(a.error, 0);
	error_set(&away, EHOSTUNREACH, "away since noon");
	open_logs(&b, OBJECT);
	fake_advance(2000);
	assert_int_equal(b.error, 0);
	release_logs(&a, OBJECT);
	release_logs(&b, OBJECT);
}

static void logs_open_interrupted_is_eintr(void **state)
{
	struct fuse_req a, b;

	(void)state;
	open_logs(&a, OBJECT);
	open_logs(&b, OBJECT);
	interrupt(&a);
	assert_false(a.told);
	fake_run();
	assert_int_equal(a.error, EINTR);
	assert_true(a.told);
	caught_up(0);
	interrupt(&b);
	fake_run();
	assert_int_equal(b.error, EINTR);
	fake_advance(60000);
	assert_null(stream);
}

static void logs_free_answers_with_eio(void **state)
{
	struct fuse_req a, b;

	(void)state;
	open_logs(&a, OBJECT);
	open_logs(&b, OBJECT);
	logs_free(logs);
	assert_int_equal(a.error, EIO);
	assert_int_equal(b.error, EIO);
	assert_int_equal(logs_new(&fs, &logs, NULL), 0);
}

/* ---- the stream's life ---- */

static void logs_release_last_closes_stream_after_60_s(void **state)
{
	struct fuse_req a, b;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 7);
	caught_up(0);
	release_logs(&a, OBJECT);
	fake_advance(59000);
	open_logs(&b, OBJECT);
	fake_advance(1500);
	assert_int_equal(streams, 1);
	caught_up(0);
	assert_int_equal(b.error, 0);
	fake_advance(120000);
	assert_non_null(stream);
	release_logs(&b, OBJECT);
	fake_advance(60000);
	assert_null(stream);
	/* The next one goes on where the spool ends. */
	open_logs(&a, OBJECT);
	assert_int_equal(streams, 2);
	assert_int_equal(stream->spec.from.last_ns, 7);
	lines("two\n", 8);
	caught_up(0);
	assert_string_equal(content(a.spool), "one\ntwo\n");
	release_logs(&a, OBJECT);
}

static void logs_gap_goes_in_with_the_lines_behind_it(void **state)
{
	const int64_t from = 1800000000 * CLOCK_NS_PER_S + 5, to = from + CLOCK_NS_PER_S;
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(0);
	stream->spec.ops->gap(stream->spec.data, from, to);
	assert_string_equal(content(a.spool), "one\n");
	lines("two\n", 2);
	assert_string_equal(content(a.spool), "one\n[weaverfs: gap 2027-01-15T08:00:00.000000005Z "
					      ".. 2027-01-15T08:00:01.000000005Z]\ntwo\n");
	assert_int_equal(metrics_get(&metrics, METRIC_LOG_GAPS), 1);
	/* One with nothing behind it is there at the end. */
	stream->spec.ops->gap(stream->spec.data, to, to);
	ended();
	assert_non_null(strstr(content(a.spool), "two\n[weaverfs: gap "));
	release_logs(&a, OBJECT);
}

static void logs_ended_needs_no_stream_any_more(void **state)
{
	struct fuse_req a, b;

	(void)state;
	container.state = POD_STATE_TERMINATED;
	open_logs(&a, OBJECT);
	lines("last\n", 1);
	caught_up(0);
	ended();
	assert_null(stream);
	open_logs(&b, OBJECT);
	assert_int_equal(b.error, 0);
	assert_string_equal(content(b.spool), "last\n");
	/* Somebody else's pod starts its container again. */
	container.state = POD_STATE_RUNNING;
	logs_pod_changed(logs, UID, false);
	assert_int_equal(streams, 2);
	release_logs(&a, OBJECT);
	release_logs(&b, OBJECT);
}

static void logs_evicted_pod_counts_as_terminated(void **state)
{
	struct fuse_req a;
	bool terminated, pod_gone;

	(void)state;
	container.state = POD_STATE_NONE;
	container.id = "";
	pod.phase = "Failed";
	open_logs(&a, OBJECT);
	stream->spec.ops->container(stream->spec.data, &terminated, &pod_gone);
	assert_true(terminated);
	assert_false(pod_gone);
	ended();
	assert_int_equal(a.error, 0);
	release_logs(&a, OBJECT);
}

static void logs_pod_gone_lets_readers_finish(void **state)
{
	struct fuse_req a, b;
	bool terminated, pod_gone;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(0);
	gone = true;
	logs_pod_changed(logs, UID, true);
	assert_non_null(stream);
	stream->spec.ops->container(stream->spec.data, &terminated, &pod_gone);
	assert_true(pod_gone);
	lines("last words\n", 2);
	ended();
	open_logs(&b, OBJECT);
	assert_string_equal(content(b.spool), "one\nlast words\n");
	release_logs(&a, OBJECT);
	assert_true(spool_exists(UID));
	release_logs(&b, OBJECT);
	registry_set_logs(NULL, UID, NULL);
	assert_false(spool_exists(UID));
	open_logs(&a, OBJECT);
	assert_int_equal(a.error, ENOENT);
}

static void logs_pod_gone_unread_is_discarded(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(0);
	release_logs(&a, OBJECT);
	logs_pod_changed(logs, UID, true);
	assert_null(stream);
	registry_set_logs(NULL, UID, NULL);
	assert_false(spool_exists(UID));
}

static void logs_full_disk_loses_nothing(void **state)
{
	struct rlimit before, small;
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(lines("two\n", 2), -EFBIG);
	assert_int_equal(n_errors, 1);
	fake_advance(5000);
	assert_int_equal(streams, 2);
	assert_int_equal(stream->spec.from.last_ns, 1);
	assert_int_equal(lines("two\n", 2), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(n_errors, 1); /* said once */
	fake_advance(5000);
	assert_int_equal(stream->spec.from.last_ns, 1);
	assert_int_equal(lines("two\n", 2), 0);
	assert_string_equal(content(a.spool), "one\ntwo\n");
	release_logs(&a, OBJECT);
}

static void logs_ready_removes_what_has_no_weaver(void **state)
{
	struct log_position pos;
	struct spool *s;
	char dir[100];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/spool", state_dir);
	logs_ready(logs); /* no directory yet */
	assert_int_equal(spool_open(dir, OTHER, 4096, &s, &pos, NULL), 0);
	spool_unref(s);
	assert_int_equal(spool_open(dir, UID, 4096, &s, &pos, NULL), 0);
	spool_unref(s);
	logs_ready(logs);
	assert_true(spool_exists(UID));
	assert_false(spool_exists(OTHER));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(logs_open_waits_until_caught_up),
		TEST(logs_open_unknown_object_is_enoent),
		TEST(logs_open_during_question_waits_for_the_next),
		TEST(logs_open_pending_pod_is_empty_at_once),
		TEST(logs_open_late_answers_with_what_there_is),
		TEST(logs_open_late_and_empty_is_etimedout),
		TEST(logs_open_server_away_fails_only_when_empty),
		TEST(logs_open_interrupted_is_eintr),
		TEST(logs_free_answers_with_eio),
		TEST(logs_release_last_closes_stream_after_60_s),
		TEST(logs_gap_goes_in_with_the_lines_behind_it),
		TEST(logs_ended_needs_no_stream_any_more),
		TEST(logs_evicted_pod_counts_as_terminated),
		TEST(logs_pod_gone_lets_readers_finish),
		TEST(logs_pod_gone_unread_is_discarded),
		TEST(logs_full_disk_loses_nothing),
		TEST(logs_ready_removes_what_has_no_weaver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
