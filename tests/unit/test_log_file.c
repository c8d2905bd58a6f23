/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/log_file.c: the stream's life: its end, gaps, the pod's end, a full disk. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/unit/logs_fixture.h"

static void log_file_release_last_closes_stream_after_60_s(void **state)
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

static void log_file_gap_goes_in_with_the_lines_behind_it(void **state)
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

static void log_file_ended_needs_no_stream_any_more(void **state)
{
	struct fuse_req a, b;

	(void)state;
	container.state = POD_STATE_TERMINATED;
	open_logs(&a, OBJECT);
	lines("last\n", 1);
	caught_up(0);
	assert_false(a.told);
	lines("without a newline", 2);
	ended();
	assert_int_equal(a.error, 0);
	assert_null(stream);
	open_logs(&b, OBJECT);
	assert_int_equal(b.error, 0);
	assert_string_equal(content(b.spool), "last\nwithout a newline");
	/* Somebody else's pod starts its container again. */
	container.state = POD_STATE_RUNNING;
	logs_pod_changed(logs, UID, false);
	assert_int_equal(streams, 2);
	release_logs(&a, OBJECT);
	release_logs(&b, OBJECT);
}

static void log_file_evicted_pod_counts_as_terminated(void **state)
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

static void log_file_pod_gone_lets_readers_finish(void **state)
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
	registry_set_spool(NULL, UID, SPOOL_LOGS, NULL);
	assert_false(spool_exists(UID));
	open_logs(&a, OBJECT);
	assert_int_equal(a.error, ENOENT);
}

static void log_file_pod_gone_unread_is_discarded(void **state)
{
	struct fuse_req a;

	(void)state;
	open_logs(&a, OBJECT);
	lines("one\n", 1);
	caught_up(0);
	release_logs(&a, OBJECT);
	logs_pod_changed(logs, UID, true);
	assert_null(stream);
	registry_set_spool(NULL, UID, SPOOL_LOGS, NULL);
	assert_false(spool_exists(UID));
}

static void log_file_full_disk_loses_nothing(void **state)
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(log_file_release_last_closes_stream_after_60_s),
		TEST(log_file_gap_goes_in_with_the_lines_behind_it),
		TEST(log_file_ended_needs_no_stream_any_more),
		TEST(log_file_evicted_pod_counts_as_terminated),
		TEST(log_file_pod_gone_lets_readers_finish),
		TEST(log_file_pod_gone_unread_is_discarded),
		TEST(log_file_full_disk_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
