/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sidecar/sink_http.c: each record once, in order, whatever the server does; what not, is counted.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/audit_sink_fixture.h"
#include "tests/unit/certificates.h"

static void sink_posts_records_with_token(void **state)
{
	static const struct http_step steps[] = { { .reply = OK } };
	char key[100];

	(void)state;
	http_server_listen(&server, steps, 1);
	append(1, 3);
	start();
	wait_for(&stats.sent, 3);
	append(4, 1);
	wait_for(&stats.sent, 4);
	assert_string_equal(request(0, key), "1 2 3");
	assert_string_equal(key, "w-1-0-99");
	assert_string_equal(request(1, key), "4");
	assert_string_equal(key, "w-1-99-132");
	assert_non_null(strstr(server.log.data, "\r\nAuthorization: Bearer t0k3n\r\n"));
	assert_int_equal(server.sockets.n, 1); /* it is kept */
	assert_int_equal(stats.unsent, 0);
	assert_true(stats.last_success_ns > 0);
	assert_string_equal(stats.server, "");
}

/* Nothing is lost by these, nothing comes twice, and each is counted under its reason. */
static void sink_retries_until_taken(void **state)
{
	static const struct http_step steps[] = {
		{ .reply = REPLY("500 Oops") },
		{ .action = HTTP_RESET },
		{ .reply = REPLY("429 Slow down") },
		{ .reply = "nonsense\r\n\r\n", .action = HTTP_CLOSE },
		{ .action = HTTP_STALL },
		{ .reply = OK },
	};
	char key[100], first[100];

	(void)state;
	http_server_listen(&server, steps, ARRAY_SIZE(steps));
	append(1, 2);
	start();
	wait_for(&stats.sent, 2);
	assert_string_equal(request(0, first), "1 2");
	for (unsigned i = 1; i < server.requests; i++) {
		assert_string_equal(request(i, key), "1 2");
		assert_string_equal(key, first);
	}
	assert_int_equal(stats.retries[STATS_RETRY_SERVER], 1);
	assert_int_equal(stats.retries[STATS_RETRY_THROTTLED], 1);
	assert_int_equal(stats.retries[STATS_RETRY_TIMEOUT], 1);
	assert_int_equal(stats.batches_sent, 1);
	assert_string_equal(stats.server, "");
}

static void sink_401_reads_token_again(void **state)
{
	static const struct http_step steps[] = { { .reply = REPLY("401 Unauthorized") },
						  { .reply = REPLY("401 Unauthorized") },
						  { .reply = OK } };

	(void)state;
	http_server_listen(&server, steps, ARRAY_SIZE(steps));
	append(1, 1);
	start();
	for (int i = 0; i < 1000 && http_server_requests(&server) == 0; i++)
		usleep(1000);
	write_text(token_path, "n3w\n");
	wait_for(&stats.sent, 1);
	assert_int_equal(stats.retries[STATS_RETRY_UNAUTHORIZED], 2);
	assert_non_null(strstr(server.log.data, "Bearer t0k3n\r\n"));
	char *last = strstr(server.log.data, "Bearer n3w\r\n");
	assert_non_null(last);
	assert_null(strstr(last, "t0k3n"));
}

static void sink_401_is_said_in_stats(void **state)
{
	static const struct http_step steps[] = { { .reply = REPLY("401 Unauthorized") } };
	uint64_t one = 1;

	(void)state;
	http_server_listen(&server, steps, 1);
	append(1, 1);
	start();
	wait_for(&stats.retries[STATS_RETRY_UNAUTHORIZED], one);
	lock_guard(&stats.lock);
	assert_non_null(strstr(stats.server, "answers 401: the token is not good there"));
	assert_non_null(strstr(stats.server, token_path));
}

/* 400: the same without the sidecar's own kinds; when that is refused, too, it is given up. */
static void sink_400_strict_then_given_up(void **state)
{
	static const struct http_step steps[] = { { .reply = REPLY("400 Bad Request") },
						  { .reply = OK },
						  { .reply = REPLY("422 No") },
						  { .reply = OK } };
	char key[100];

	(void)state;
	http_server_listen(&server, steps, ARRAY_SIZE(steps));
	append_text("{\"event_type\":\"audit_start\",\"n\":9}\n{\"event_type\":\"process_exec\","
		    "\"n\":1}\n",
		    2);
	start();
	wait_for(&stats.sent, 1);
	assert_string_equal(request(0, key), "9 1");
	assert_string_equal(request(1, key), "1");
	append(2, 3);
	wait_for(&stats.dropped[STATS_DROP_REJECTED], 4); /* audit_start is one of them */
	append(5, 1);
	wait_for(&stats.sent, 2);
	assert_string_equal(request(2, key), "2 3 4");
	assert_string_equal(request(3, key), "5");
	assert_int_equal(stats.unsendable[STATS_DROP_REJECTED], 4);
	assert_int_equal(stats.batches_rejected, 1);
}

static void sink_counts_what_reply_rejects(void **state)
{
	static const struct http_step steps[] = {
		{ .reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n"
			   "10\r\n{\"accepted\": 2, \r\nf\r\n\"rejected\" : 1}\r\n0\r\n\r\n" }
	};

	(void)state;
	http_server_listen(&server, steps, 1);
	append(1, 3);
	start();
	wait_for(&stats.sent, 2);
	assert_int_equal(stats.dropped[STATS_DROP_REJECTED], 1);
}

static void sink_413_sends_smaller_batches(void **state)
{
	static const struct http_step steps[] = { { .reply = REPLY("413 Too large") },
						  { .reply = REPLY("413 Too large") },
						  { .reply = OK } };
	char key[100];

	(void)state;
	http_server_listen(&server, steps, ARRAY_SIZE(steps));
	append(1, 8);
	start();
	wait_for(&stats.sent, 8);
	assert_string_equal(request(0, key), "1 2 3 4 5 6 7 8");
	assert_string_equal(request(1, key), "1 2 3 4");
	assert_string_equal(request(2, key), "1 2");
	assert_string_equal(request(3, key), "3 4");
	assert_string_equal(request(5, key), "7 8");
	assert_int_equal(stats.retries[STATS_RETRY_TOO_LARGE], 2);
}

static void sink_dead_server_keeps_records_and_says_so(void **state)
{
	(void)state;
	append(1, 5);
	start();
	for (int i = 0; i < 1000 && stats.retries[STATS_RETRY_CONNECT] < 2; i++)
		usleep(1000);
	{
		lock_guard(&stats.lock);
		assert_non_null(strstr(stats.server, "Connection refused"));
		assert_int_equal(stats.sent, 0);
	}
	static const struct http_step steps[] = { { .reply = OK } };
	http_server_listen(&server, steps, 1);
	wait_for(&stats.sent, 5);
	assert_string_equal(stats.server, "");
}

static void sink_overtaken_counts_what_is_gone(void **state)
{
	static char block[60 << 10];
	static const struct http_step steps[] = { { .reply = OK } };

	(void)state;
	memset(block, 'x', sizeof(block) - 1);
	memcpy(block, "{\"event_type\":\"file_open\",\"n\":1,\"x\":\"", 36);
	memcpy(block + sizeof(block) - 4, "\"}\n", 4);
	for (int i = 0; i < 50; i++)
		append_text(block, 1);
	struct buffer_state st;
	buffer_state(buffer, &st);
	assert_true(st.oldest_record > 0);
	http_server_listen(&server, steps, 1);
	start();
	wait_for(&stats.sent, 50 - st.oldest_record);
	assert_int_equal(stats.dropped[STATS_DROP_OVERTAKEN], st.oldest_record);
	assert_int_equal(stats.unsendable[STATS_DROP_OVERTAKEN], st.oldest_record);
}

/* Killed before the answer: the very same batch again, although more records are there by now. */
static void sink_killed_sends_same_batch_again(void **state)
{
	static const struct http_step steps[] = { { .action = HTTP_STALL }, { .reply = OK } };
	char first[100], key[100];
	int status;

	(void)state;
	append(1, 3);
	pid_t pid = fork(); /* before there are threads */
	if (pid == 0) {
		while (access(token_path, F_OK) == 0)
			usleep(1000);
		start();
		pause();
	}
	http_server_listen(&server, steps, 2);
	unlink(token_path);
	for (int i = 0; i < 5000 && http_server_requests(&server) == 0; i++)
		usleep(1000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	append(4, 2);
	start();
	wait_for(&stats.sent, 5);
	assert_string_equal(request(0, first), "1 2 3");
	assert_string_equal(request(1, key), "1 2 3");
	assert_string_equal(first, key);
	assert_string_equal(request(2, key), "4 5");
}

static void sink_tls_trusts_ca_file_alone(void **state)
{
	static const struct http_step steps[] = { { .reply = OK } };
	struct certificate ca = { 0 }, other = { 0 }, cert = { 0 };
	char ca_path[64];

	(void)state;
	certificate_make(&ca, NULL, "test ca", NULL, 10);
	certificate_make(&other, NULL, "other ca", NULL, 10);
	certificate_make(&cert, &ca, "server", "IP:127.0.0.1", 10);
	server.tls = certificate_server(&cert, NULL);
	http_server_listen(&server, steps, 1);
	snprintf(ca_path, sizeof(ca_path), "%s/ca.crt", dir);
	write_text(ca_path, other.cert_pem);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", server.sockets.port);
	struct sink_http_options o = options();
	o.ca_path = dir;
	o.allow_insecure = false;
	o.timeout_ms = 5000;
	append(1, 2);
	assert_int_equal(sink_http_start(&o, &sink, NULL), 0);
	for (int i = 0; i < 5000 && stats.retries[STATS_RETRY_PROTOCOL] == 0; i++)
		usleep(1000);
	{
		lock_guard(&stats.lock);
		assert_non_null(strstr(stats.server, "certificate"));
		assert_int_equal(stats.sent, 0);
	}
	write_text(ca_path, ca.cert_pem); /* the secret is replaced */
	wait_for(&stats.sent, 2);
	certificate_done(&ca);
	certificate_done(&other);
	certificate_done(&cert);
}

static void sink_start_refuses_http_and_nonsense(void **state)
{
	struct sink_http_options o = options();
	struct error e = ERROR_INIT;

	(void)state;
	o.allow_insecure = false;
	assert_int_equal(sink_http_start(&o, &sink, &e), -EINVAL);
	assert_non_null(strstr(e.text, "in the clear"));
	static const char *const bad[] = { "ftp://x",        "https://",        "https://u:p@h",
					   "https://h:0",    "https://h:65536", "https://[::1",
					   "https://h/?a=b", "https://h:1:2",   "https://:80" };
	o.allow_insecure = true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		o.url = bad[i];
		if (sink_http_start(&o, &sink, &e) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_non_null(strstr(e.text, "LOOM_SERVER_URL"));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sink_posts_records_with_token),
		T(sink_retries_until_taken),
		T(sink_401_reads_token_again),
		T(sink_401_is_said_in_stats),
		T(sink_400_strict_then_given_up),
		T(sink_counts_what_reply_rejects),
		T(sink_413_sends_smaller_batches),
		T(sink_dead_server_keeps_records_and_says_so),
		T(sink_overtaken_counts_what_is_gone),
		T(sink_killed_sends_same_batch_again),
		T(sink_tls_trusts_ca_file_alone),
		T(sink_start_refuses_http_and_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
