/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/sink_http.c: how it ends: what there is time for is sent, the rest is counted. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/audit_sink_fixture.h"

static void sink_drain_sends_the_rest_then_counts(void **state)
{
	static const struct http_step steps[] = { { .reply = OK, .delay_ms = 20 },
						  { .action = HTTP_STALL } };

	(void)state;
	http_server_listen(&server, steps, 2);
	append(1, 2);
	start();
	wait_for(&stats.sent, 2);
	append(3, 4);
	int64_t begun_ns = clock_monotonic_ns();
	sink_http_drain(sink, 200);
	assert_true(clock_monotonic_ns() - begun_ns < CLOCK_NS_PER_S);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(stats.dropped[STATS_DROP_SHUTDOWN], 4);
	assert_int_equal(stats.unsendable[STATS_DROP_SHUTDOWN], 4);
}

static void sink_drain_waits_for_server(void **state)
{
	static const struct http_step steps[] = { { .reply = OK, .delay_ms = 50 } };

	(void)state;
	http_server_listen(&server, steps, 1);
	start();
	append(1, 2);
	sink_http_drain(sink, 5000);
	assert_int_equal(stats.sent, 2);
	assert_int_equal(stats.dropped[STATS_DROP_SHUTDOWN], 0);
}

static void *drain(void *timeout_ms)
{
	sink_http_drain(sink, *(int *)timeout_ms);
	return NULL;
}

static uint64_t retries(enum stats_retry reason)
{
	lock_guard(&stats.lock);
	return stats.retries[reason];
}

/* The server is being restarted just then; and is busy at first, for longer than we have. */
static void sink_drain_tries_again_until_server_is_back(void **state)
{
	static const struct http_step steps[] = {
		{ .reply = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n" },
		{ .reply = OK },
	};
	int timeout_ms = 10000;
	pthread_t thread;

	(void)state;
	append(1, 2);
	start();
	assert_int_equal(pthread_create(&thread, NULL, drain, &timeout_ms), 0);
	usleep(1000); /* of what follows some is while draining, however busy this machine is */
	uint64_t before = retries(STATS_RETRY_CONNECT);
	for (int i = 0; i < 5000 && retries(STATS_RETRY_CONNECT) < before + 3; i++)
		usleep(1000);
	append(3, 1);
	http_server_listen(&server, steps, ARRAY_SIZE(steps));
	int64_t begun_ns = clock_monotonic_ns();
	pthread_join(thread, NULL);
	assert_true(clock_monotonic_ns() - begun_ns < 9 * CLOCK_NS_PER_S);
	assert_int_equal(stats.sent, 3);
	assert_int_equal(stats.retries[STATS_RETRY_SERVER], 1);
	assert_int_equal(stats.dropped[STATS_DROP_SHUTDOWN], 0);
	assert_int_equal(stats.unsent, 0);
}

static void sink_drain_of_dead_server_ends_in_time(void **state)
{
	(void)state;
	append(1, 3);
	start();
	int64_t begun_ns = clock_monotonic_ns();
	sink_http_drain(sink, 300);
	int64_t took_ns = clock_monotonic_ns() - begun_ns;
	assert_true(took_ns >= 300 * CLOCK_NS_PER_MS && took_ns < 2 * CLOCK_NS_PER_S);
	assert_int_equal(stats.dropped[STATS_DROP_SHUTDOWN], 3);
	assert_int_equal(stats.unsendable[STATS_DROP_SHUTDOWN], 3);
	assert_true(stats.retries[STATS_RETRY_CONNECT] >= 3);
	assert_non_null(strstr(stats.server, "Connection refused"));
}

/* The last words, which are written when it is known what the drain could not send. */
static void sink_stop_sends_what_came_after_the_drain(void **state)
{
	static const struct http_step steps[] = { { .reply = OK } };
	char key[100];

	(void)state;
	http_server_listen(&server, steps, 1);
	append(1, 2);
	start();
	sink_http_drain(sink, 5000);
	assert_int_equal(stats.sent, 2);
	append(3, 1);
	sink_http_stop(sink);
	sink = NULL;
	assert_int_equal(stats.sent, 3);
	assert_int_equal(stats.unsent, 0);
	assert_string_equal(request(1, key), "3");
}

/* Else the server would have records that it was told it would not get. */
static void sink_stop_after_failed_drain_sends_nothing(void **state)
{
	static const struct http_step steps[] = { { .reply = OK } };

	(void)state;
	append(1, 2);
	start();
	sink_http_drain(sink, 50);
	http_server_listen(&server, steps, 1);
	append(3, 1);
	sink_http_stop(sink);
	sink = NULL;
	assert_int_equal(http_server_requests(&server), 0);
	assert_int_equal(stats.unsent, 3);
	assert_int_equal(stats.dropped[STATS_DROP_SHUTDOWN], 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sink_drain_sends_the_rest_then_counts),
		T(sink_drain_waits_for_server),
		T(sink_drain_tries_again_until_server_is_back),
		T(sink_drain_of_dead_server_ends_in_time),
		T(sink_stop_sends_what_came_after_the_drain),
		T(sink_stop_after_failed_drain_sends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
