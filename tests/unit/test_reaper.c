/* SPDX-License-Identifier: Apache-2.0 */
/* fs/life/reaper.c: when it acts, on whom, how often, and what it says, with fakes around it. */
#include "tests/unit/reaper_fixture.h"

static void reaper_start_sweeps_what_expired_meanwhile(void **state)
{
	(void)state;
	put(0, -10);
	put(1, 3600);
	fake_advance(5000);
	assert_int_equal(fake_requests_out(), 0); /* not before the first list is complete */
	start();
	assert_int_equal(fake_requests_out(), 1);
	assert_string_equal(fake_request()->path, "/api/v1/namespaces/ns/pods/weaver-0");
	assert_string_equal(fake_request()->body,
			    "{\"gracePeriodSeconds\":5,\"preconditions\":{\"uid\":\"uid-0\","
			    "\"resourceVersion\":\"7\"}}");
	assert_int_equal(writes, 1);
	accept_one();
	assert_false(weavers[0].present);
	assert_true(weavers[1].present);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), 1);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP), 1);
	assert_int_equal(fake_requests_made, 1);
}

/* Strictly later than expires-at, in the server's whole seconds; not much later either. */
static void reaper_expiry_is_by_the_servers_clock(void **state)
{
	(void)state;
	skew_s = -30; /* ours is fast */
	start();
	put(0, 300);
	int64_t expires_s = weavers[0].expires_s;
	while (now_s() <= expires_s) {
		assert_int_equal(fake_requests_out(), 0);
		fake_advance(500);
	}
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 1);
	accept_one();
}

static void reaper_skew_that_changes_is_noticed_in_a_minute(void **state)
{
	(void)state;
	start();
	put(0, 3600);
	fake_advance(1000);
	skew_s = 3600;
	fake_advance(61000);
	assert_int_equal(fake_requests_out(), 1);
	accept_one();
}

static void reaper_pod_changed_is_cheap_and_keeps_the_earliest(void **state)
{
	(void)state;
	start();
	lists = 0;
	for (size_t i = 0; i < PODS; i++)
		put(i, 1000 + (int64_t)i);
	put(50, 20);
	fake_advance(19000);
	assert_int_equal(lists, 0);
	fake_advance(3000);
	assert_int_equal(lists, 1);
	assert_string_equal(strrchr(fake_request()->path, '/'), "/weaver-50");
	accept_one();
}

static void reaper_extended_meanwhile_lives(void **state)
{
	(void)state;
	start();
	put(0, 20);
	put(0, 3600);
	fake_advance(100000);
	assert_int_equal(fake_requests_made, 0);
	/* Extended on another mount while the DELETE was under way: the server says 409. */
	put(0, -1);
	fake_run();
	fake_answer(fake_request(), 409, EBUSY, "");
	put(0, 3600);
	set_version(0, 8);
	fake_advance(100000);
	assert_int_equal(fake_requests_made, 1);
	assert_true(weavers[0].present);
	assert_int_equal(n_errors, 0);
}

static void reaper_conflict_looks_again_when_the_pod_changes(void **state)
{
	(void)state;
	put(0, -1);
	start();
	fake_answer(fake_request(), 409, EBUSY, "");
	fake_advance(1000);
	reaper_pod_changed(reaper, &weavers[0].pod); /* the state that was refused */
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 0);
	set_version(0, 8);
	reaper_pod_changed(reaper, &weavers[0].pod);
	fake_run();
	assert_int_equal(fake_requests_out(), 1);
	assert_non_null(strstr(fake_request()->body, "\"resourceVersion\":\"8\""));
	accept_one();
}

static void reaper_failure_is_tried_again(void **state)
{
	(void)state;
	put(0, -1);
	start();
	fake_answer(fake_request(), 0, EHOSTUNREACH, "");
	assert_int_equal(writes, 0);
	assert_int_equal(n_errors, 1);
	assert_non_null(strstr(show(), "would-delete\tw0\tweaver-0\t"));
	assert_non_null(strstr(show(), "\t0\t1\nfailed\tw0\tweaver-0\tEHOSTUNREACH\tthe server"));
	fake_advance(9000);
	assert_int_equal(fake_requests_out(), 0);
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 1);
	for (int i = 0; i < 5; i++) {
		fake_answer(fake_request(), 0, EHOSTUNREACH, "");
		fake_advance(30000);
		assert_int_equal(fake_requests_out(), 1);
	}
	assert_int_equal(n_errors, 1);
	accept_one();
	assert_non_null(strstr(show(), "\t1\t0\ndeleted\tw0\tweaver-0\t"));
	assert_null(strstr(show(), "would-delete"));
	fake_advance(100000);
	assert_int_equal(fake_requests_out(), 0);
}

static void reaper_not_found_and_finished_are_gone(void **state)
{
	(void)state;
	put(0, -1);
	put(1, -1);
	start();
	fake_answer(fake_request(), 404, ENOENT, "");
	/* A pod that had ended is gone with the reply, which has no deletionTimestamp. */
	fake_answer(fake_request(), 200, 0,
		    "{\"metadata\":{\"name\":\"weaver-1\",\"uid\":\"uid-1\"}}");
	assert_false(weavers[0].present);
	assert_false(weavers[1].present);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), 1);
}

static void reaper_many_go_16_at_a_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < PODS; i++)
		put(i, -1);
	start();
	assert_int_equal(fake_requests_out(), 16);
	for (size_t i = 0; i < PODS; i++) {
		assert_true(fake_requests_out() > 0 && fake_requests_out() <= 16);
		accept_one();
	}
	assert_int_equal(fake_requests_made, PODS);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), PODS);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP), 1);
	assert_non_null(strstr(show(), "\t100\t0\n"));
}

static void reaper_sweep_comes_each_interval(void **state)
{
	(void)state;
	start();
	lists = 0;
	/* One that sync never told us of. */
	put(0, 100);
	weavers[0].expires_s = now_s() + 500;
	fake_advance(1799000);
	assert_int_equal(fake_requests_made, 1); /* the timer of 100 s found out */
	accept_one();
	unsigned before = lists;
	fake_advance(1000);
	assert_int_equal(lists, before + 1);
	assert_non_null(strstr(show(), "last-sweep\t"));
}

static void reaper_start_names_what_a_lower_maximum_cuts(void **state)
{
	_cleanup_(buf_done) struct buf warning = BUF_INIT;

	(void)state;
	put(0, 40 * 3600);
	put(1, 3600);
	weavers[2].expires_s = 0;
	config.max_ttl_hours = 2;
	reaper_start(reaper, &warning);
	assert_string_equal(buf_str(&warning),
			    "max_ttl_hours=2 ends weavers before their time: w0 at "
			    "2027-01-15T10:15:00Z instead of 2027-01-17T00:16:40Z");
	assert_int_equal(fake_requests_out(), 0);
	fake_run();
	assert_string_equal(show(), "cut\tw0\tweaver-0\t2027-01-15T10:15:00Z\t"
				    "2027-01-17T00:16:40Z\nlast-sweep\t2027-01-15T08:16:40Z\n");
}

static void reaper_free_cancels_what_is_under_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < 20; i++)
		put(i, -1);
	start();
	assert_int_equal(fake_requests_out(), 16);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(reaper_start_sweeps_what_expired_meanwhile),
		TEST(reaper_expiry_is_by_the_servers_clock),
		TEST(reaper_skew_that_changes_is_noticed_in_a_minute),
		TEST(reaper_pod_changed_is_cheap_and_keeps_the_earliest),
		TEST(reaper_extended_meanwhile_lives),
		TEST(reaper_conflict_looks_again_when_the_pod_changes),
		TEST(reaper_failure_is_tried_again),
		TEST(reaper_not_found_and_finished_are_gone),
		TEST(reaper_many_go_16_at_a_time),
		TEST(reaper_sweep_comes_each_interval),
		TEST(reaper_start_names_what_a_lower_maximum_cuts),
		TEST(reaper_free_cancels_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
