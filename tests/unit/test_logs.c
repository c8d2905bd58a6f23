/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/logs.c: when an open is answered, and with what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/logs_fixture.h"

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
	assert_non_null(strstr(a.text, "logs of fix-42: "));
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
	assert_string_equal(a.text, "logs of fix-42: dial tcp: connection refused");
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
	assert_int_equal(logs_new(&fs, &log_source_logs, &logs, NULL), 0);
}

static void logs_ready_removes_what_has_no_weaver(void **state)
{
	struct log_position pos;
	struct spool *s;
	char dir[100];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/spool", state_dir);
	logs_ready(logs); /* no directory yet */
	assert_int_equal(spool_open(dir, OTHER, SPOOL_LOGS, 4096, &s, &pos, NULL), 0);
	spool_unref(s);
	assert_int_equal(spool_open(dir, UID, SPOOL_LOGS, 4096, &s, &pos, NULL), 0);
	spool_unref(s);
	assert_int_equal(spool_open(dir, WANTED, SPOOL_LOGS, 4096, &s, &pos, NULL), 0);
	spool_unref(s);
	logs_ready(logs);
	assert_true(spool_exists(UID));
	assert_true(spool_exists(WANTED)); /* by the archive */
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
		TEST(logs_ready_removes_what_has_no_weaver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
