/* SPDX-License-Identifier: Apache-2.0 */
/* A log stream against a scripted API server: every end that a log request can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "log_stream_fixture.h"

#define TWO T("000000001") "a\n" T("000000002") "b\n"
#define THREE TWO T("000000003") "c\n"

static void answer_read_then_follow(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	http_stream(fd);
	if (n == 0) {
		http_chunk(fd, TWO T("000000003") "c");
		http_end(fd);
		return;
	}
	/* c was not whole; it comes now, and is cut again */
	http_chunk(fd, TWO);
	http_chunk(fd, T("000000003") "c\n2026-1");
	http_chunk(fd, "1-24T02:02:45.000000004Z d");
	http_hold(fd, 10000);
}

static void stream_reads_then_follows(void **state)
{
	(void)state;
	run(answer_read_then_follow);
	http_script_expect(&script, "a\nb\n[ok]c\n");
	assert_request(0, "");
	assert_request(1, "&follow=true" SINCE);
	assert_string_equal(last.container_id, "containerd://1");
	assert_int_equal(last.last_ns, S45 + 3);
	assert_int_equal(last.same, 1);
	finish();
}

static void answer_restarts(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	switch (n) {
	case 0: /* the read */
		http_stream(fd);
		http_chunk(fd, TWO);
		http_end(fd);
		return;
	case 1: /* a kubelet restart is a clean end */
		http_stream(fd);
		http_chunk(fd, TWO T("000000003") "c\n" T("000000004") "half");
		http_end(fd);
		return;
	case 2:
		http_reply(
			fd, "500 Internal Server Error",
			"{\"kind\":\"Status\",\"code\":500,\"message\":\"dial tcp: connection refused\"}");
		return;
	case 3:
		http_reply(fd, "404 Not Found",
			   "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,"
			   "\"details\":{\"name\":\"p\",\"kind\":\"pods/log\"}}");
		return;
	case 4:
		http_stream(fd);
		http_chunk(fd, THREE T("000000004") "half and half\n" T("000000005") "x");
		http_break(fd);
		return;
	default:
		http_stream(fd);
		http_chunk(fd, THREE T("000000004") "half and half\n" T("000000005") "x\n");
		if (is_follow(path))
			http_hold(fd, 10000);
		http_end(fd);
	}
}

static void stream_survives_kubelet_restarts(void **state)
{
	(void)state;
	run(answer_restarts);
	http_script_expect(&script, "a\nb\n[ok]c\nhalf and half\nx\n");
	finish();
}

static void answer_waiting(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	if (n == 0) {
		http_reply(
			fd, "400 Bad Request",
			"{\"kind\":\"Status\",\"reason\":\"BadRequest\",\"code\":400,\"message\":"
			"\"container \\\"c\\\" in pod \\\"p\\\" is waiting to start: ContainerCreating\"}");
		return;
	}
	http_stream(fd);
	http_chunk(fd, TWO);
	if (is_follow(path))
		http_hold(fd, 10000);
	http_end(fd);
}

static void stream_waits_for_the_container(void **state)
{
	(void)state;
	container_id = "";
	http_script_start(&script, answer_waiting);
	terminated = gone = false;
	http_script_call(&script, start, NULL);
	http_script_expect(&script, "[ok]");
	usleep(20000);
	assert_int_equal(http_script_requests(&script), 0); /* the cache says enough */
	http_script_call(&script, start_container, (void *)(uintptr_t) "containerd://1");
	http_script_expect(&script, "[ok]a\nb\n");
	finish();
}

static void answer_denied(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 0) {
		http_reply(fd, "500 Internal Server Error",
			   "{\"kind\":\"Status\",\"code\":500,\"message\":\"x\"}");
		return;
	}
	answer_waiting(s, fd, n, path);
}

static void stream_that_cannot_be_read_says_so_and_goes_on(void **state)
{
	(void)state;
	run(answer_denied);
	http_script_expect(&script, "[no]a\nb\n");
	finish();
}

static void answer_refresh(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	http_stream(fd);
	http_chunk(fd, n < 2 ? TWO : THREE);
	if (is_follow(path))
		http_hold(fd, 10000);
	http_end(fd);
}

static void refresh_reads_again_what_is_served_now(void **state)
{
	(void)state;
	run(answer_refresh);
	http_script_expect(&script, "a\nb\n[ok]");
	http_script_expect_requests(&script, 2);
	http_script_call(&script, refresh, NULL);
	/* the follow is silent though there is c */
	http_script_expect(&script, "a\nb\n[ok]c\n[ok]");
	assert_request(2, "&tailLines=2");
	assert_request(3, SINCE);
	assert_request(4, "&follow=true" SINCE);
	finish();
}

/* The follow brings c some time after the newest lines were asked for. */
static void answer_follow_in_time(struct http_script *s, int fd, unsigned n, const char *path)
{
	http_stream(fd);
	if (!is_follow(path)) {
		http_chunk(fd, n < 2 ? TWO : n == 2 ? THREE T("000000004") "unfinished" : THREE);
		http_end(fd);
		return;
	}
	http_chunk(fd, TWO);
	http_script_expect_requests(s, 3);
	usleep(50000);
	http_chunk(fd, T("000000003") "c\n");
	http_hold(fd, 10000);
}

static void refresh_is_answered_by_the_follow_that_runs(void **state)
{
	(void)state;
	run(answer_follow_in_time);
	http_script_expect(&script, "a\nb\n[ok]");
	http_script_expect_requests(&script, 2);
	http_script_call(&script, refresh, NULL);
	http_script_expect(&script, "a\nb\n[ok]c\n[ok]");
	http_script_call(&script, refresh, NULL); /* nothing is newer */
	http_script_expect(&script, "a\nb\n[ok]c\n[ok][ok]");
	assert_request(2, "&tailLines=2");
	assert_request(3, "&tailLines=2");
	assert_int_equal(http_script_requests(&script), 4);
	finish();
}

static void answer_silence(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	http_stream(fd);
	/* a rotation while the follow was silent: b is gone */
	http_chunk(fd, n < 3 ? T("000000001") "a\n" : T("000000005") "e\n");
	if (is_follow(path))
		http_hold(fd, 10000);
	http_end(fd);
}

static void silence_is_asked_again_and_a_gap_is_told(void **state)
{
	(void)state;
	run(answer_silence);
	http_script_expect(&script, "a\n[ok]<1..5>e\n");
	assert_request(1, "&follow=true" SINCE);
	/* after silence the newest lines do, but not to know of a gap */
	assert_request(2, "&follow=true" SINCE "&tailLines=101");
	assert_request(3, "&follow=true" SINCE "&tailLines=101");
	assert_request(4, "&follow=true" SINCE);
	finish();
}

static void answer_long_line(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)n;
	http_stream(fd);
	/* its last piece alone, with the stamp of that piece */
	http_chunk(fd, strstr(path, "tailLines") ? T("000000002") "g\n" : T("000000001") "long\n");
	if (is_follow(path))
		http_hold(fd, 10000);
	http_end(fd);
}

static void silence_after_a_long_line_is_asked_for_all(void **state)
{
	(void)state;
	run(answer_long_line);
	http_script_expect(&script, "long\n[ok]");
	assert_request(2, "&follow=true" SINCE "&tailLines=101");
	assert_request(3, "&follow=true" SINCE);
	assert_request(4, "&follow=true" SINCE); /* the next silence: not in vain again */
	http_script_expect(&script, "long\n[ok]");
	finish();
}

static void stream_goes_on_from_a_position(void **state)
{
	struct log_position from = at(1, 1);

	(void)state;
	memcpy(from.container_id, "containerd://1", 15);
	run_from(answer_refresh, &from);
	http_script_expect(&script, "b\n[ok]");
	assert_request(0, SINCE);
	finish();
}

static void another_container_is_read_from_its_start(void **state)
{
	struct log_position from = at(100, 1);

	(void)state;
	memcpy(from.container_id, "containerd://0", 15);
	run_from(answer_refresh, &from);
	http_script_expect(&script, "a\nb\n[ok]");
	assert_request(0, "");
	assert_string_equal(last.container_id, "containerd://1");
	finish();
}

static void stop_inside_lines_is_the_last(void **state)
{
	(void)state;
	stop_in_lines = true;
	run(answer_refresh);
	http_script_expect(&script, "a\nb\n");
	usleep(50000);
	http_script_expect(&script, "a\nb\n");
	finish();
}

static void an_error_of_lines_ends_the_stream(void **state)
{
	(void)state;
	lines_result = -ENOSPC;
	run(answer_refresh);
	http_script_expect(&script, "a\nb\n");
	usleep(50000);
	assert_int_equal(http_script_requests(&script), 1);
	finish();
}

/*
 * One second has lines 1 to 9, the position is at 5, and the connection is cut after three lines
 * each time. The newest 101 begin behind the position, the newest 201 do not.
 */
static void answer_cut_early(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	http_stream(fd);
	if (strstr(path, "tailLines=101")) {
		http_chunk(fd, T("000000007") "7\n" T("000000008") "8\n" T("000000009") "9\n");
		http_hold(fd, 10000);
	} else if (strstr(path, "tailLines=201")) {
		http_chunk(fd, T("000000004") "4\n" T("000000005") "5\n" T("000000006") "6\n");
	} else if (n < 3) {
		http_chunk(fd, T("000000001") "1\n" T("000000002") "2\n" T("000000003") "3\n");
	} else {
		http_chunk(fd, T("000000006") "6\n" T("000000007") "7\n");
		http_hold(fd, 10000);
	}
	http_break(fd);
}

static void a_cut_before_the_position_is_not_repeated(void **state)
{
	struct log_position from = at(5, 1);

	(void)state;
	strcpy(from.container_id, "containerd://1");
	run_from(answer_cut_early, &from);
	/* the question is answered when all that was there has come */
	http_script_expect(&script, "[no]6\n7\n");
	assert_request(0, SINCE);
	assert_request(1, SINCE "&tailLines=101");
	assert_request(2, SINCE "&tailLines=201");
	assert_request(3, SINCE);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_reads_then_follows),
		cmocka_unit_test(stream_survives_kubelet_restarts),
		cmocka_unit_test(a_cut_before_the_position_is_not_repeated),
		cmocka_unit_test(stream_waits_for_the_container),
		cmocka_unit_test(stream_that_cannot_be_read_says_so_and_goes_on),
		cmocka_unit_test(refresh_reads_again_what_is_served_now),
		cmocka_unit_test(refresh_is_answered_by_the_follow_that_runs),
		cmocka_unit_test(silence_is_asked_again_and_a_gap_is_told),
		cmocka_unit_test(silence_after_a_long_line_is_asked_for_all),
		cmocka_unit_test(stream_goes_on_from_a_position),
		cmocka_unit_test(another_container_is_read_from_its_start),
		cmocka_unit_test(stop_inside_lines_is_the_last),
		cmocka_unit_test(an_error_of_lines_ends_the_stream),
	};

	log_stream_timing = (struct log_stream_timing){
		.retry_ms = 5,
		.retry_max_ms = 50,
		.denied_ms = 100,
		.read_stall_ms = 2000,
		.ended_stall_ms = 200,
		.ask_ms = 300,
		.guard_ms = { 100, 200, 300, 400, 500 },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
