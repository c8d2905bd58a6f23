/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k8s/request.c, client.c: what is tried again and what is not, what is ambiguous, deadlines, streams,
 * cancelling, and what is known about the server afterwards.
 */
#include "client_fixture.h"

#define OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " body
#define OK2 OK("2\r\n\r\nok")
#define REPLY(line, headers, length, body)                                                         \
	"HTTP/1.1 " line "\r\n" headers "Content-Length: " length "\r\n\r\n" body

static const char service_account[] =
	"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
	"{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"code\":403,\"message\":\"error looking up service "
	"account n/default: serviceaccount \\\"default\\\" not found\"}";
static const char quota_race[] =
	"HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n"
	"{\"kind\":\"Status\",\"reason\":\"Conflict\",\"code\":409,\"message\":\"Operation cannot be "
	"fulfilled on resourcequotas\",\"details\":{\"kind\":\"resourcequotas\"}}";

struct test {
	struct http_server server;
	struct fixture fixture;
	struct call call;
};

static struct test t;

#define setup(...)                                                                                 \
	do {                                                                                       \
		static const struct http_step _steps[] = { __VA_ARGS__ };                          \
		http_server_bind(&t.server);                                                       \
		http_server_listen(&t.server, _steps, ARRAY_SIZE(_steps));                         \
		fixture_init(&t.fixture, t.server.port);                                           \
	} while (0)

static void teardown(void)
{
	fixture_done(&t.fixture);
	http_server_stop(&t.server);
}

static int64_t elapsed_ms(int64_t since_ns)
{
	return (clock_monotonic_ns() - since_ns) / CLOCK_NS_PER_MS;
}

static void request_start_success_gives_body_and_warning(void **state)
{
	(void)state;
	setup({ REPLY("200 OK", "Warning: 299 - \"would \\\"violate\\\"\"\r\nWarning: 299 - \"b\"\r\n",
		      "5", "hello") });
	post(&t.fixture, &t.call, "/api/v1/pods?x=%20", "{\"a\":1}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(t.call.http, 200);
	assert_int_equal(t.call.status_code, 0);
	assert_string_equal(t.call.body, "hello");
	assert_string_equal(t.call.warning, "would \"violate\"; b");
	assert_true(http_server_saw(&t.server, "POST /api/v1/pods?x=%20 HTTP/1.1\r\n"));
	assert_true(http_server_saw(&t.server, "User-Agent: weaverfs/test\r\n"));
	assert_true(http_server_saw(&t.server, "Content-Type: application/json\r\n"));
	assert_true(http_server_saw(&t.server, "\r\n\r\n{\"a\":1}"));
	assert_false(http_server_saw(&t.server, "Expect"));
	assert_true(client_latency_ms(t.fixture.client) >= 0);
	teardown();
}

static void request_start_methods_are_sent(void **state)
{
	(void)state;
	setup({ OK2 });
	call_init(&t.call, &t.fixture, REQUEST_PATCH, "/p", "[]");
	t.call.spec.content_type = "application/json-patch+json";
	t.call.spec.idempotent = true;
	call_run(&t.call);
	assert_int_equal(t.call.r, 0);
	call_init(&t.call, &t.fixture, REQUEST_DELETE, "/d", "{}");
	call_run(&t.call);
	call_init(&t.call, &t.fixture, REQUEST_DELETE, "/e", NULL);
	call_run(&t.call);
	call_init(&t.call, &t.fixture, REQUEST_POST, "/f", NULL);
	call_run(&t.call);
	assert_true(http_server_saw(&t.server, "PATCH /p "));
	assert_true(http_server_saw(&t.server, "Content-Type: application/json-patch+json\r\n"));
	assert_true(http_server_saw(&t.server, "DELETE /d "));
	assert_true(http_server_saw(&t.server, "DELETE /e "));
	assert_true(http_server_saw(&t.server, "POST /f "));
	/* All of them over one connection. */
	assert_int_equal(t.server.connection_count, 1);
	teardown();
}

static void request_start_not_found_is_not_retried(void **state)
{
	uint64_t calls, failures;

	(void)state;
	setup({ "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
		"{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,\"message\":\"pods \\\"x\\\" not "
		"found\"}",
		HTTP_CLOSE });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -ENOENT);
	assert_int_equal(t.call.status_code, 404);
	assert_false(t.call.ambiguous);
	assert_string_equal(t.call.error, "pods \"x\" not found");
	assert_int_equal(http_server_requests(&t.server), 1);
	client_counts(t.fixture.client, &calls, &failures);
	assert_int_equal(calls, 1);
	assert_int_equal(failures, 1);
	teardown();
}

static void request_start_429_waits_as_told(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("429 Too Many Requests", "Retry-After: 1\r\n", "4", "wait") }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_in_range(elapsed_ms(start_ns), 1000, 2500);
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

static void request_start_429_beyond_deadline_fails_at_once(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("429 Too Many Requests", "Retry-After: 30\r\n", "4", "wait") });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EBUSY);
	assert_false(t.call.ambiguous);
	assert_string_equal(t.call.error, "wait");
	assert_true(elapsed_ms(start_ns) < 1000);
	teardown();
}

static void request_start_503_with_retry_after_is_retried_for_post(void **state)
{
	(void)state;
	setup({ REPLY("503 Service Unavailable", "Retry-After: 1\r\n", "0", "") }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

static void request_start_500_is_retried_for_idempotent_only(void **state)
{
	(void)state;
	setup({ REPLY("500 Internal Server Error", "", "4", "oops") },
	      { REPLY("502 Bad Gateway", "", "0", "") }, { OK2 },
	      { REPLY("500 Internal Server Error", "", "4", "oops") });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 3);
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EIO);
	assert_true(t.call.ambiguous); /* etcd may have it */
	assert_string_equal(t.call.error, "oops");
	assert_int_equal(http_server_requests(&t.server), 4);
	teardown();
}

static void request_start_500_for_ever_ends_before_deadline(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("500 Internal Server Error", "", "4", "oops") });
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.timeout_ms = 700;
	call_run(&t.call);
	assert_int_equal(t.call.r, -EIO);
	assert_true(elapsed_ms(start_ns) < 800);
	assert_in_range(http_server_requests(&t.server), 3, 10);
	teardown();
}

static void request_start_missing_service_account_is_retried(void **state)
{
	(void)state;
	setup({ service_account, HTTP_CLOSE }, { service_account, HTTP_CLOSE }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 3);
	teardown();
}

static void request_start_quota_race_is_retried_five_times(void **state)
{
	(void)state;
	setup({ quota_race, HTTP_CLOSE });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EBUSY);
	assert_false(t.call.ambiguous);
	assert_int_equal(http_server_requests(&t.server), 6);
	teardown();
}

static void request_start_redirect_is_not_followed(void **state)
{
	(void)state;
	setup({ REPLY("302 Found", "Location: http://127.0.0.1:1/\r\n", "0", "") }, { OK2 });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EIO);
	assert_int_equal(t.call.http, 302);
	teardown();
}

static void request_start_refused_is_away_until_a_probe_succeeds(void **state)
{
	static const struct http_step ok[] = { { OK2 } };
	struct error e = ERROR_INIT;
	int64_t start_ns;

	(void)state;
	http_server_bind(&t.server);
	fixture_init(&t.fixture, t.server.port);
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
	assert_true(elapsed_ms(start_ns) < 200);

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
	fixture_init(&t.fixture, t.server.port);
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

static void request_start_no_answer_is_ambiguous_and_away(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ .action = HTTP_STALL });
	call_init(&t.call, &t.fixture, REQUEST_POST, "/x", "{}");
	t.call.timeout_ms = 300;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ETIMEDOUT);
	assert_true(t.call.ambiguous);
	assert_in_range(elapsed_ms(start_ns), 290, 600);
	assert_int_equal(http_server_requests(&t.server), 1);
	/* /readyz answers. */
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

static void request_start_closed_without_answer_retries_idempotent_only(void **state)
{
	(void)state;
	setup({ .action = HTTP_CLOSE }, { .action = HTTP_RESET }, { OK2 }, { .action = HTTP_RESET });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 3);
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EIO);
	assert_true(t.call.ambiguous);
	assert_int_equal(http_server_requests(&t.server), 4);
	assert_false(client_away(t.fixture.client, NULL));
	teardown();
}

/* The trap: curl itself sends again when a connection it had kept dies before a byte has come. */
static void request_start_kept_connection_dies_post_is_sent_once(void **state)
{
	(void)state;
	setup({ OK2 }, { .action = HTTP_CLOSE }, { OK2 }, { .action = HTTP_CLOSE }, { OK2 });
	get(&t.fixture, &t.call, "/x");
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EIO);
	assert_true(t.call.ambiguous);
	assert_int_equal(http_server_requests(&t.server), 2);
	/* An idempotent one goes through. */
	get(&t.fixture, &t.call, "/x");
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 5);
	teardown();
}

static void request_start_cut_body_is_ambiguous(void **state)
{
	(void)state;
	setup({ OK("100\r\n\r\nhalf"), HTTP_CLOSE });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EIO);
	assert_int_equal(t.call.http, 200);
	assert_true(t.call.ambiguous);
	teardown();
}

static void request_start_split_reply_is_whole(void **state)
{
	(void)state;
	setup({ .reply = OK("10\r\n\r\n0123456789"), .split_ms = 50 },
	      { .reply = REPLY("200 OK", "Transfer-Encoding: chunked\r\nX-", "", "5\r\n01234\r\n0\r\n\r\n"),
		.split_ms = 20 });
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.body, "0123456789");
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.body, "01234");
	teardown();
}

static void request_start_unauthorized_without_credentials_says_so(void **state)
{
	(void)state;
	setup({ REPLY("401 Unauthorized", "", "12", "Unauthorized") });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EACCES);
	assert_int_equal(t.call.http, 401);
	assert_non_null(strstr(t.call.error, "Unauthorized: "));
	assert_non_null(strstr(t.call.error, "gives no credentials"));
	assert_int_equal(http_server_requests(&t.server), 1);
	teardown();
}

/* Streams. */
struct stream {
	struct buf bytes; /* loop thread until the call has ended */
	int opened, pieces;
	int result;       /* on_data returns it */
	bool cancel;      /* on_data cancels the request */
	bool cancelled;   /* atomic */
};

static struct stream stream;

static void stream_open(void *data)
{
	(void)data;
	stream.opened++;
	assert_int_equal(stream.pieces, 0);
}

static int stream_data(void *data, const char *bytes, size_t len)
{
	struct call *c = data;

	stream.pieces++;
	buf_add(&stream.bytes, bytes, len);
	if (stream.cancel) {
		request_cancel(c->request);
		__atomic_store_n(&stream.cancelled, true, __ATOMIC_SEQ_CST);
	}
	return stream.result;
}

static void stream_init(bool endless)
{
	buf_done(&stream.bytes);
	stream = (struct stream){ 0 };
	call_init(&t.call, &t.fixture, REQUEST_GET, "/s", NULL);
	t.call.endless = endless;
	t.call.spec.on_open = stream_open;
	t.call.spec.on_data = stream_data;
}

static void request_start_stream_brings_bytes_as_they_come(void **state)
{
	(void)state;
	setup({ .reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n",
		.split_ms = 50 });
	stream_init(true);
	call_run(&t.call);
	assert_int_equal(t.call.r, 0);
	assert_int_equal(stream.opened, 1);
	assert_true(stream.pieces >= 1);
	assert_string_equal(buf_str(&stream.bytes), "abcdefgh");
	assert_string_equal(t.call.body, "");
	teardown();
}

static void request_start_stream_refused_has_status(void **state)
{
	(void)state;
	setup({ REPLY("410 Gone", "", "4", "gone") });
	stream_init(true);
	call_run(&t.call);
	assert_int_equal(t.call.r, -ESTALE);
	assert_int_equal(t.call.status_code, 410);
	assert_int_equal(stream.opened, 0);
	assert_int_equal(stream.pieces, 0);
	teardown();
}

static void request_start_silent_stream_stalls(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ "HTTP/1.1 200 OK\r\n\r\nline", HTTP_STALL });
	stream_init(true);
	t.call.spec.stall_ms = 300;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ETIMEDOUT);
	assert_int_equal(stream.opened, 1);
	assert_string_equal(buf_str(&stream.bytes), "line");
	assert_in_range(elapsed_ms(start_ns), 290, 800);
	assert_false(client_away(t.fixture.client, NULL));
	teardown();
}

static void request_start_quiet_stream_is_opened(void **state)
{
	(void)state;
	setup({ "HTTP/1.1 200 OK\r\n\r\n", HTTP_STALL });
	stream_init(true);
	t.call.spec.stall_ms = 200;
	call_run(&t.call);
	assert_int_equal(stream.opened, 1);
	assert_int_equal(stream.pieces, 0);
	teardown();
}

static void request_start_reader_error_ends_it(void **state)
{
	(void)state;
	setup({ "HTTP/1.1 200 OK\r\n\r\nline", HTTP_STALL });
	stream_init(true);
	stream.result = -ENOSPC;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ENOSPC);
	assert_int_equal(stream.pieces, 1);
	teardown();
}

static void request_cancel_from_reader_is_final(void **state)
{
	(void)state;
	setup({ "HTTP/1.1 200 OK\r\n\r\nline", HTTP_STALL });
	stream_init(true);
	stream.cancel = true;
	call_start(&t.call);
	wait_until(__atomic_load_n(&stream.cancelled, __ATOMIC_SEQ_CST));
	teardown();
	assert_int_equal(t.call.done, 0);
}

static void cancel_job(struct loop_job *job)
{
	request_cancel(container_of(job, struct call, job)->request);
}

static void request_cancel_in_flight_calls_nobody(void **state)
{
	(void)state;
	setup({ .action = HTTP_STALL });
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	call_start(&t.call);
	wait_until(http_server_requests(&t.server) == 1);
	t.call.job.run = cancel_job;
	loop_post(t.fixture.loop, &t.call.job);
	teardown();
	assert_int_equal(t.call.done, 0);
}

static struct call next;

static void start_next(struct call *c)
{
	(void)c;
	call_begin(&next.job);
}

static void request_start_from_on_done_works(void **state)
{
	(void)state;
	setup({ OK2 });
	call_init(&next, &t.fixture, REQUEST_GET, "/y", NULL);
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.on_end = start_next;
	call_run(&t.call);
	call_wait(&next);
	assert_int_equal(next.r, 0);
	assert_int_equal(http_server_requests(&t.server), 2);
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
	assert_in_range(t.server.connection_count, 1, 64);
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
	snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\n\r\n", date);
	http_server_bind(&t.server);
	http_server_listen(&t.server, &step, 1);
	fixture_init(&t.fixture, t.server.port);
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
		cmocka_unit_test(request_start_success_gives_body_and_warning),
		cmocka_unit_test(request_start_methods_are_sent),
		cmocka_unit_test(request_start_not_found_is_not_retried),
		cmocka_unit_test(request_start_429_waits_as_told),
		cmocka_unit_test(request_start_429_beyond_deadline_fails_at_once),
		cmocka_unit_test(request_start_503_with_retry_after_is_retried_for_post),
		cmocka_unit_test(request_start_500_is_retried_for_idempotent_only),
		cmocka_unit_test(request_start_500_for_ever_ends_before_deadline),
		cmocka_unit_test(request_start_missing_service_account_is_retried),
		cmocka_unit_test(request_start_quota_race_is_retried_five_times),
		cmocka_unit_test(request_start_redirect_is_not_followed),
		cmocka_unit_test(request_start_refused_is_away_until_a_probe_succeeds),
		cmocka_unit_test(request_start_refused_is_retried_until_the_server_is_there),
		cmocka_unit_test(request_start_no_answer_is_ambiguous_and_away),
		cmocka_unit_test(request_start_readyz_500_stays_away),
		cmocka_unit_test(request_start_closed_without_answer_retries_idempotent_only),
		cmocka_unit_test(request_start_kept_connection_dies_post_is_sent_once),
		cmocka_unit_test(request_start_cut_body_is_ambiguous),
		cmocka_unit_test(request_start_split_reply_is_whole),
		cmocka_unit_test(request_start_unauthorized_without_credentials_says_so),
		cmocka_unit_test(request_start_stream_brings_bytes_as_they_come),
		cmocka_unit_test(request_start_stream_refused_has_status),
		cmocka_unit_test(request_start_silent_stream_stalls),
		cmocka_unit_test(request_start_quiet_stream_is_opened),
		cmocka_unit_test(request_start_reader_error_ends_it),
		cmocka_unit_test(request_cancel_from_reader_is_final),
		cmocka_unit_test(request_cancel_in_flight_calls_nobody),
		cmocka_unit_test(request_start_from_on_done_works),
		cmocka_unit_test(request_start_64_at_once_all_succeed),
		cmocka_unit_test(client_server_time_is_never_ahead),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&stream.bytes);
	return failed;
}
