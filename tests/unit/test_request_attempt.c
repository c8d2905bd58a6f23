/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/request_attempt.c: broken and split replies, what is ambiguous, streams, cancelling. */
#include "request_fixture.h"

static void request_start_closed_without_answer_retries_idempotent_only(void **state)
{
	(void)state;
	setup({ .action = HTTP_CLOSE }, { .action = HTTP_RESET }, { OK2 },
	      { .action = HTTP_RESET });
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
	      { .reply = REPLY("200 OK", "Transfer-Encoding: chunked\r\nX-", "",
			       "5\r\n01234\r\n0\r\n\r\n"),
		.split_ms = 20 });
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.body, "0123456789");
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.body, "01234");
	teardown();
}

/* Streams. */
struct stream {
	struct buf bytes; /* loop thread until the call has ended */
	int opened, pieces;
	int result;     /* on_data returns it */
	bool cancel;    /* on_data cancels the request */
	bool cancelled; /* atomic */
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
	assert_in_range(elapsed_ms(start_ns), 290, 5000);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_start_closed_without_answer_retries_idempotent_only),
		cmocka_unit_test(request_start_kept_connection_dies_post_is_sent_once),
		cmocka_unit_test(request_start_cut_body_is_ambiguous),
		cmocka_unit_test(request_start_split_reply_is_whole),
		cmocka_unit_test(request_start_stream_brings_bytes_as_they_come),
		cmocka_unit_test(request_start_stream_refused_has_status),
		cmocka_unit_test(request_start_silent_stream_stalls),
		cmocka_unit_test(request_start_quiet_stream_is_opened),
		cmocka_unit_test(request_start_reader_error_ends_it),
		cmocka_unit_test(request_cancel_from_reader_is_final),
		cmocka_unit_test(request_cancel_in_flight_calls_nobody),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&stream.bytes);
	return failed;
}
