/* SPDX-License-Identifier: Apache-2.0 */
/* archive*.c: when an entry begins, what is in it, when it is over, and after a crash. */
#include "tests/unit/archive_fixture.h"

static void entry_follows_the_log_until_it_has_ended(void **state)
{
	(void)state;
	weaver_leaves();
	assert_true(terminating());
	print("one\n", 5);
	fake_run();
	fake_advance(100);
	assert_string_equal(file("logs"), "one\n");
	assert_string_equal(file("status"), "terminating\n");
	set_pod("Failed", true, EXITED);
	archive_pod_changed(fs.archive, UID, false);
	assert_string_equal(file("exit_code"), "3\n");
	assert_string_equal(file("status"), "terminating\n");
	weaver_gone();
	print("two\n", 6); /* after its DELETED */
	fake_run();
	assert_true(terminating());
	end_log(true);
	fake_run();
	assert_false(terminating());
	assert_string_equal(file("logs"), "one\ntwo\n");
	assert_string_equal(file("status"), "failed\n");
	assert_string_equal(file("deleted"), "2027-01-15T08:00:00Z\n");
	assert_string_equal(file("deleted_by"), "cluster\n");
	assert_string_equal(file("owner"), "1000:1001\n");
	assert_string_equal(file("pod.json"), "");
	assert_false(spared);
	assert_non_null(strstr(pokes, "added " NAME "\n"));
	assert_non_null(strstr(pokes, "changed exit_code\n"));
	assert_null(strstr(pokes, "changed owner\n"));
	assert_int_equal(archive_open_file(fs.archive, 1 << 20, "id"), -ENOENT);
	assert_string_equal(file("id"), ""); /* not a file of the archive here */
}

static void entry_says_who_and_keeps_the_object(void **state)
{
	(void)state;
	archive_deleted_by(fs.archive, UID, "rmdir 7:8"); /* there is none yet */
	weaver_leaves();
	archive_deleted_by(fs.archive, UID, "rmdir 1000:1001");
	archive_pod_json(fs.archive, UID, "{\"a\":1}", 7);
	weaver_gone();
	end_log(true);
	fake_run();
	archive_pod_json(fs.archive, UID, "late", 4);
	assert_string_equal(file("deleted_by"), "rmdir 1000:1001\n");
	assert_string_equal(file("pod.json"), "{\"a\":1}\n");
	assert_non_null(strstr(pokes, "changed deleted_by\n"));
	assert_non_null(strstr(pokes, "changed pod.json\n"));
}

static void log_without_end_is_cut_after_ten_seconds(void **state)
{
	(void)state;
	weaver_leaves();
	print("one\n", INT64_C(1790000000000000000));
	weaver_gone();
	fake_advance(9999);
	assert_true(terminating());
	fake_advance(1);
	assert_false(terminating());
	assert_string_equal(file("logs"), "one\n[gap 1790000000000000000 1]\n");
}

static void pod_that_stays_is_terminating_for_ever(void **state)
{
	(void)state;
	weaver_leaves();
	end_log(true);
	fake_advance(3600000);
	assert_true(terminating());
	weaver_gone();
	fake_run();
	assert_false(terminating());
}

static void restart_goes_on_where_the_pod_still_terminates(void **state)
{
	(void)state;
	weaver_leaves();
	archive_deleted_by(fs.archive, UID, "rmdir 1000:1001");
	print("one\n", 5);
	fake_advance(100);
	stop();
	assert_true(spared);
	start();
	assert_true(terminating());
	assert_true(archive_wants_spool(fs.archive, UID));
	archive_pod_changed(fs.archive, UID, false);
	archive_ready(fs.archive);
	print("two\n", 6);
	weaver_gone();
	end_log(true);
	fake_run();
	assert_string_equal(file("logs"), "one\ntwo\n");
	assert_string_equal(file("deleted_by"), "rmdir 1000:1001\n");
	assert_false(archive_wants_spool(fs.archive, UID));
	stop();
	start();
	assert_false(terminating());
	assert_string_equal(file("logs"), "one\ntwo\n");
}

static void restart_after_the_pod_says_what_is_missing(void **state)
{
	(void)state;
	weaver_leaves();
	print("one\n", INT64_C(1790000000000000000));
	fake_advance(100);
	stop();
	pod_unref(pod);
	pod = NULL;
	spool_unref(spool);
	spool = NULL;
	start();
	archive_ready(fs.archive);
	fake_run();
	assert_false(terminating());
	assert_string_equal(file("logs"), "one\n[gap 1790000000000000000 1]\n");
	assert_string_equal(file("status"), "running\n"); /* as it was last seen */
	stop();
	start();
	assert_string_equal(file("logs"), "one\n[gap 1790000000000000000 1]\n");
}

static void restart_after_the_logs_end_misses_nothing(void **state)
{
	(void)state;
	weaver_leaves();
	print("one\n", 5);
	end_log(true);
	fake_run();
	stop();
	pod_unref(pod);
	pod = NULL;
	spool_unref(spool);
	spool = NULL;
	start();
	archive_ready(fs.archive);
	fake_run();
	assert_string_equal(file("logs"), "one\n");
}

static void one_that_has_ended_is_fetched_and_waited_for(void **state)
{
	struct archive_fetch_wait w = { 0 };

	(void)state;
	set_pod("Failed", false, EXITED);
	archive_pod_changed(fs.archive, UID, false);
	assert_int_equal(keeps, 1);
	assert_true(archive_fetch_wait(fs.archive, pod, &w, clock_monotonic_ns() + 1));
	archive_fetch_cancel(&w);
	print("one\n", 5);
	end_log(true);
	fake_run();
	assert_true(list_empty(&keepers));
	assert_false(archive_fetch_wait(fs.archive, pod, &w, clock_monotonic_ns() + 1));
	/* Removed at once, without a time of deletion. */
	log_ended = log_complete = false;
	weaver_gone();
	fake_run();
	assert_false(terminating());
	assert_string_equal(file("logs"), "one\n");
	assert_string_equal(file("exit_code"), "3\n");
}

static unsigned n_waits;

static void wait_done(struct archive_fetch_wait *w)
{
	archive_fetch_cancel(w);
	n_waits++;
}

static void wait_ends_with_the_log_or_in_time(void **state)
{
	struct archive_fetch_wait w = { .done = wait_done }, late = w;

	(void)state;
	n_waits = 0;
	assert_false(archive_fetch_wait(fs.archive, pod, &w, 0)); /* it runs */
	set_pod("Succeeded", false, EXITED);
	archive_pod_changed(fs.archive, UID, false);
	int64_t now_ns = clock_monotonic_ns();
	assert_true(archive_fetch_wait(fs.archive, pod, &late, now_ns + CLOCK_NS_PER_S));
	assert_true(archive_fetch_wait(fs.archive, pod, &w, now_ns + 9 * CLOCK_NS_PER_S));
	fake_advance(1000);
	assert_int_equal(n_waits, 1);
	end_log(true);
	fake_run();
	assert_int_equal(n_waits, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(entry_follows_the_log_until_it_has_ended),
		TEST(entry_says_who_and_keeps_the_object),
		TEST(log_without_end_is_cut_after_ten_seconds),
		TEST(pod_that_stays_is_terminating_for_ever),
		TEST(restart_goes_on_where_the_pod_still_terminates),
		TEST(restart_after_the_pod_says_what_is_missing),
		TEST(restart_after_the_logs_end_misses_nothing),
		TEST(one_that_has_ended_is_fetched_and_waited_for),
		TEST(wait_ends_with_the_log_or_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
