/* SPDX-License-Identifier: Apache-2.0 */
/* A log stream to its end: of the container, or of the pod, and whether that was all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "tests/unit/log_stream_fixture.h"

static void answer_ending(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	http_stream(fd);
	http_chunk(fd, n == 0 ? TWO : THREE T("000000004") "end");
	if (is_follow(path)) {
		http_script_call(s, end_container, NULL);
		http_hold(fd, 50);
	}
	http_end(fd);
}

static void stream_ends_with_the_containers_last_byte(void **state)
{
	(void)state;
	run(answer_ending);
	http_script_expect(&script, "a\nb\n[ok]c\nend[end]");
	usleep(50000);
	http_script_expect(&script, "a\nb\n[ok]c\nend[end]");
	assert_int_equal(last.last_ns, S45 + 4);
	finish();
}

static void answer_ended(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)path;
	if (n == 0)
		http_script_call(s, end_container, NULL);
	http_stream(fd);
	http_chunk(fd, TWO);
	http_end(fd);
}

static void stream_of_an_ended_container_reads_until_nothing_comes(void **state)
{
	(void)state;
	run(answer_ended);
	http_script_expect(&script, "a\nb\n[ok][end]");
	assert_true(http_script_requests(&script) >= 2);
	assert_null(strstr(script.paths[1], "follow"));
	finish();
}

static void answer_quiet(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)path;
	if (n > 1) {
		http_reply(fd, "404 Not Found",
			   "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,"
			   "\"details\":{\"name\":\"p\",\"kind\":\"pods\"}}");
		return;
	}
	http_stream(fd);
	http_chunk(fd, TWO);
	if (n == 1) {
		usleep(250000); /* longer than ended_stall_ms */
		http_script_call(s, end_container, NULL);
		usleep(50000);
		http_chunk(fd, T("000000003") "c\n");
	}
	http_end(fd);
}

static void stream_quiet_before_the_end_is_heard_out(void **state)
{
	(void)state;
	log_stream_timing.guard_ms[0] = 5000;
	run(answer_quiet);
	http_script_expect(&script, "a\nb\n[ok]c\n[end]");
	finish();
}

static void answer_gone_at_once(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)path;
	if (n == 0) {
		http_stream(fd);
		http_chunk(fd, TWO);
		http_end(fd);
		http_script_call(s, delete_pod, NULL);
		return;
	}
	http_reply(fd, "404 Not Found",
		   "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,"
		   "\"details\":{\"name\":\"p\",\"kind\":\"pods\"}}");
}

static void stream_of_a_pod_gone_too_early_is_cut(void **state)
{
	(void)state;
	run(answer_gone_at_once);
	http_script_expect(&script, "a\nb\n[ok][cut]");
	finish();
}

static void answer_gone(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)path;
	if (n < 2) {
		http_stream(fd);
		http_chunk(fd, n == 0 ? TWO : TWO T("000000003") "last");
		if (n == 1)
			http_script_call(s, delete_pod, NULL);
		http_end(fd);
		return;
	}
	http_reply(fd, "404 Not Found",
		   "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,"
		   "\"details\":{\"name\":\"p\",\"kind\":\"pods\"}}");
}

static void stream_of_a_deleted_pod_ends_with_its_last_bytes(void **state)
{
	(void)state;
	/* they came with the follow; the read that would confirm them is a 404 already */
	run(answer_gone);
	http_script_expect(&script, "a\nb\n[ok]last[end]");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_ends_with_the_containers_last_byte),
		cmocka_unit_test(stream_of_an_ended_container_reads_until_nothing_comes),
		cmocka_unit_test(stream_of_a_pod_gone_too_early_is_cut),
		cmocka_unit_test(stream_quiet_before_the_end_is_heard_out),
		cmocka_unit_test(stream_of_a_deleted_pod_ends_with_its_last_bytes),
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
