/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/client.c: whether the server is away, its clock, and many calls at once. */
#include "request_fixture.h"

static void request_start_refused_is_away_until_a_probe_succeeds(void **state)
{
	static const struct http_step ok[] = { { OK2 } };
	struct error e = ERROR_INIT;
	int64_t start_ns;

	(void)state;
	http_server_bind(&t.server);
	fixture_init(&t.fixture, t.server.sockets.port);
	call_init(&t.call, &t.fixture, REQUEST_POST, "/x", "{}");
	t.call.timeout_ms = 500;
	assert_false(client_away(t.fixture.client, NULL));
	call_run(&t.call);
	assert_int_equal(t.call.r, -EHOSTUNREACH);
	assert_int_equal(t.call.http, 0);
	assert_false(t.call.ambiguous);
	assert_non_null(strstr(t.call.error, "Connection refused"));
	assert_true(client_away(t.fixture.client, &e));
	assert_int_equal(e.code, EHOSTUNREACH);
	assert_non_null(strstr(e.text, "away since 20"));

	/* Known to be away: one attempt, no waiting. */
	start_ns = clock_monotonic_ns();
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EHOSTUNREACH);
	assert_true(elapsed_ms(start_ns) < 2000);

	http_server_listen(&t.server, ok, 1);
	wait_until(!client_away(t.fixture.client, NULL));
	assert_int_equal(http_server_requests(&t.server), 0);
	teardown();
}

static void request_start_refused_is_retried_until_the_server_is_there(void **state)
{
	static const struct http_step ok[] = { { OK2 } };

	(void)state;
	http_server_bind(&t.server);
	fixture_init(&t.fixture, t.server.sockets.port);
	call_init(&t.call, &t.fixture, REQUEST_POST, "/x", "{}");
	call_start(&t.call);
	wait_until(client_away(t.fixture.client, NULL));
	http_server_listen(&t.server, ok, 1);
	call_wait(&t.call);
	assert_int_equal(t.call.r, 0);
	assert_false(client_away(t.fixture.client, NULL));
	assert_int_equal(http_server_requests(&t.server), 1);
	teardown();
}

static void set_readyz_stalls(bool stalls)
{
	pthread_mutex_lock(&t.server.sockets.mutex);
	t.server.readyz_stalls = stalls;
	pthread_mutex_unlock(&t.server.sockets.mutex);
}

static void get_within(int64_t timeout_ms, int result)
{
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.timeout_ms = timeout_ms;
	call_run(&t.call);
	assert_int_equal(t.call.r, result);
}

/* One call is slow, /readyz answers: others need not fail. */
static void request_start_no_answer_is_ambiguous_and_no_absence(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ .action = HTTP_STALL });
	call_init(&t.call, &t.fixture, REQUEST_POST, "/x", "{}");
	t.call.timeout_ms = 300;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ETIMEDOUT);
	assert_true(t.call.ambiguous);
	assert_in_range(elapsed_ms(start_ns), 290, 2500);
	assert_int_equal(http_server_requests(&t.server), 1);
	assert_false(client_away(t.fixture.client, NULL));
	teardown();
}

static void request_start_nobody_answered_is_away(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL });
	set_readyz_stalls(true);
	get_within(300, -ETIMEDOUT);
	assert_true(client_away(t.fixture.client, NULL));
	set_readyz_stalls(false);
	wait_until(!client_away(t.fixture.client, NULL));
	teardown();
}

static void request_start_readyz_500_stays_away(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL }, { OK2 });
	t.server.readyz = REPLY("500 Internal Server Error", "", "0", "");
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.timeout_ms = 100;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ETIMEDOUT);
	poll(NULL, 0, 1300); /* two probes */
	assert_true(client_away(t.fixture.client, NULL));
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_false(client_away(t.fixture.client, NULL));
	teardown();
}

static void request_start_64_at_once_all_succeed(void **state)
{
	static struct call calls[64];

	(void)state;
	setup({ .reply = OK2, .delay_ms = 30 });
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
			call_init(&calls[i], &t.fixture, REQUEST_GET, "/x", NULL);
			call_start(&calls[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
			call_wait(&calls[i]);
			assert_int_equal(calls[i].r, 0);
		}
	}
	/* The second round uses the connections of the first. */
	assert_in_range(t.server.sockets.n, 1, 64);
	teardown();
}

/* A success has cancelled the probes' timer, and the probe that was out then fails. */
static void client_away_again_while_a_probe_is_out_is_probed(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL }, { OK2 }, { .action = HTTP_STALL });
	set_readyz_stalls(true);
	get_within(100, -ETIMEDOUT);
	get_within(3000, 0);
	assert_false(client_away(t.fixture.client, NULL));
	get_within(100, -ETIMEDOUT);
	assert_true(client_away(t.fixture.client, NULL));
	set_readyz_stalls(false);
	wait_until(!client_away(t.fixture.client, NULL));
	teardown();
}

/* It answers all that it is asked, only slowly. */
static void client_away_slow_readyz_ends_it(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL });
	t.server.readyz_delay_ms = 1700;
	get_within(100, -ETIMEDOUT);
	assert_true(client_away(t.fixture.client, NULL));
	wait_until(!client_away(t.fixture.client, NULL));
	teardown();
}

/* The patient probe of an absence that is over ends without an answer. */
static void client_away_probe_that_is_late_begins_none(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL }, { OK2 });
	set_readyz_stalls(true);
	get_within(100, -ETIMEDOUT);
	get_within(3000, 0);
	for (int i = 0; i < 120; i++) {
		assert_false(client_away(t.fixture.client, NULL));
		poll(NULL, 0, 10);
	}
	teardown();
}

static void client_server_time_is_never_ahead(void **state)
{
	int64_t local_s = clock_realtime_ns() / CLOCK_NS_PER_S, date_s;
	struct tm tm;
	char date[64], reply[256];
	struct http_step step = { .reply = reply };

	(void)state;
	date_s = local_s - 3600;
	gmtime_r(&date_s, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\n\r\n",
		 date);
	http_server_bind(&t.server);
	http_server_listen(&t.server, &step, 1);
	fixture_init(&t.fixture, t.server.sockets.port);
	assert_in_range(client_server_time(t.fixture.client), local_s, local_s + 2);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(client_server_time(t.fixture.client), date_s);
	assert_in_range(-client_clock_skew_ms(t.fixture.client), 3598500, 3601500);
	/* Time goes on from there. */
	poll(NULL, 0, 1100);
	assert_int_equal(client_server_time(t.fixture.client), date_s + 1);
	teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_start_refused_is_away_until_a_probe_succeeds),
		cmocka_unit_test(request_start_refused_is_retried_until_the_server_is_there),
		cmocka_unit_test(request_start_no_answer_is_ambiguous_and_no_absence),
		cmocka_unit_test(request_start_nobody_answered_is_away),
		cmocka_unit_test(request_start_readyz_500_stays_away),
		cmocka_unit_test(request_start_64_at_once_all_succeed),
		cmocka_unit_test(client_away_again_while_a_probe_is_out_is_probed),
		cmocka_unit_test(client_away_slow_readyz_ends_it),
		cmocka_unit_test(client_away_probe_that_is_late_begins_none),
		cmocka_unit_test(client_server_time_is_never_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
