/* SPDX-License-Identifier: Apache-2.0 */
/* The watch against a scripted API server: how each stream ends, and what is asked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "watch_fixture.h"

/* --- the watch list --- */

static void answer_stream(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	http_stream(fd);
	if (n == 0) {
		/* cut at the worst places */
		const char *all =
			FRAME("ADDED", POD("one", "7")) FRAME("ADDED", POD("t}\\\"o", "5"))
				INITIAL_END("9") FRAME("MODIFIED", POD("one", "10"))
					FRAME("DELETED", POD("one", "12")) BOOKMARK("20");
		for (const char *p = all; *p; p++)
			http_chunk(fd, (char[]){ *p, '\0' });
		http_end(fd);
		return;
	}
	http_hold(fd, 10000);
}

static void watch_list_is_a_replace_then_changes(void **state)
{
	(void)state;
	run(answer_stream);
	http_script_expect(&script, "begin A:one A:t}\\ end up M:one D:one ");
	assert_request(0, "watch=1&allowWatchBookmarks=true&timeoutSeconds=");
	assert_request(0, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	assert_request(1, "&resourceVersion=20");
	assert_null(strstr(script.paths[1], "sendInitialEvents"));
	finish();
}

static void answer_empty(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)n;
	(void)path;
	http_stream(fd);
	http_chunk(fd, INITIAL_END("1"));
	http_hold(fd, 10000);
}

static void watch_list_of_nothing_is_an_empty_replace(void **state)
{
	(void)state;
	run(answer_empty);
	http_script_expect(&script, "begin end up ");
	finish();
}

static void answer_broken_list(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 0) {
		http_stream(fd);
		http_chunk(fd, FRAME("ADDED", POD("a", "1")) "{\"type\":");
		http_break(fd);
		return;
	}
	answer_empty(s, fd, n, path);
}

static void watch_list_that_breaks_is_aborted(void **state)
{
	(void)state;
	run(answer_broken_list);
	http_script_expect(&script, "begin A:a abort down begin end up ");
	assert_request(1, "sendInitialEvents");
	finish();
}

/* --- the list --- */

static void answer_refused(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	if (strstr(path, "sendInitialEvents")) {
		http_reply(fd, "422 Unprocessable Entity", STATUS("422", "Invalid"));
	} else if (!strstr(path, "watch=1")) {
		http_reply(fd, "200 OK",
			   n < 3 ? LIST("5", POD("a", "3") "," POD("b", "4")) : LIST("8", ""));
	} else if (n == 2) {
		http_stream(fd);
		http_chunk(fd, FRAME("ERROR", STATUS("410", "Expired")));
		http_end(fd);
	} else {
		http_stream(fd);
		http_hold(fd, 10000);
	}
}

static void refused_watch_list_falls_back_to_list(void **state)
{
	(void)state;
	run(answer_refused);
	/* healthy when the watch that follows has been accepted; 410 in the stream: listed again */
	http_script_expect_requests(&script, 5);
	assert_request(0, "sendInitialEvents");
	assert_request(1, "&resourceVersion=");
	assert_null(strstr(script.paths[1], "watch"));
	assert_request(2, "&resourceVersion=5");
	assert_null(strstr(script.paths[3], "watch"));
	assert_request(4, "&resourceVersion=8");
	http_script_expect(&script, "begin A:a A:b end up begin end ");
	finish();
}

/* Refused once, as by a server that starts, or before it is upgraded. */
static void answer_refused_once(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 0)
		answer_refused(s, fd, n, path);
	else if (n == 1)
		http_reply(fd, "200 OK", LIST("5", POD("a", "3")));
	else if (n == 2) {
		usleep(60000);
		http_stream(fd);
		http_chunk(fd, FRAME("ERROR", STATUS("410", "Expired")));
		http_end(fd);
	} else {
		http_stream(fd);
		http_chunk(fd, INITIAL_END("8"));
		http_hold(fd, 10000);
	}
}

static void refused_watch_list_is_asked_for_again_later(void **state)
{
	int64_t refused_ms = watch_timing.refused_ms;

	(void)state;
	watch_timing.refused_ms = 50;
	run(answer_refused_once);
	assert_request(0, "sendInitialEvents");
	assert_request(1, "&resourceVersion=");
	assert_request(2, "&resourceVersion=5");
	assert_request(3, "sendInitialEvents");
	http_script_expect(&script, "begin A:a end up begin end ");
	finish();
	watch_timing.refused_ms = refused_ms;
}

static void answer_error_500(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)n;
	if (strstr(path, "sendInitialEvents")) {
		http_stream(fd);
		http_chunk(fd, FRAME("ERROR", STATUS("500", "InternalError")));
		http_end(fd);
	} else if (!strstr(path, "watch=1")) {
		http_reply(fd, "200 OK",
			   "{\"items\":null,\"metadata\":{\"resourceVersion\":\"5\"}}");
	} else {
		http_stream(fd);
		http_hold(fd, 10000);
	}
}

static void error_500_in_the_stream_falls_back_to_list(void **state)
{
	(void)state;
	run(answer_error_500);
	http_script_expect(&script, "begin end up ");
	assert_request(2, "&resourceVersion=5");
	finish();
}

static void answer_list_cut(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 1) {
		http_reply(fd, "200 OK",
			   "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" POD("a", "1"));
		return;
	}
	if (n == 2) {
		http_reply(fd, "404 Not Found", STATUS("404", "NotFound"));
		return;
	}
	answer_error_500(s, fd, n, path);
}

static void list_that_is_cut_or_404_removes_nothing(void **state)
{
	(void)state;
	run(answer_list_cut);
	http_script_expect(&script, "begin A:a abort down down begin end up ");
	finish();
}

/* --- how streams end --- */

static void answer_410(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 1) {
		http_reply(fd, "410 Gone", STATUS("410", "Expired"));
		return;
	}
	if (n == 0) {
		http_stream(fd);
		http_chunk(fd, FRAME("ADDED", POD("a", "1")) INITIAL_END("2"));
		http_chunk(fd, BOOKMARK("3"));
		http_end(fd);
		return;
	}
	answer_empty(s, fd, n, path);
}

static void http_410_is_a_replace(void **state)
{
	(void)state;
	run(answer_410);
	http_script_expect(&script, "begin A:a end up begin end ");
	assert_request(2, "sendInitialEvents");
	finish();
}

static void answer_short(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	if (n == 3) {
		http_reply(fd, "429 Too Many Requests", STATUS("429", "TooManyRequests"));
		return;
	}
	http_stream(fd);
	if (n == 0)
		http_chunk(fd, INITIAL_END("2"));
	if (n == 4)
		http_hold(fd, 10000);
	http_end(fd);
}

static void short_watches_and_429_back_off_and_watch_again(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	run(answer_short);
	http_script_expect_requests(&script, 5);
	/* after requests 1, 2 and 3: at least 20 + 40 + 80 ms */
	assert_true(clock_monotonic_ns() - start_ns >= 140 * CLOCK_NS_PER_MS);
	for (unsigned i = 1; i < 5; i++)
		assert_request(i, "&resourceVersion=2");
	http_script_expect(&script, "begin end up down up down down up ");
	finish();
}

static void answer_stall(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	http_stream(fd);
	if (n == 0)
		http_chunk(fd, INITIAL_END("2") BOOKMARK("3"));
	if (n == 2)
		http_chunk(fd, INITIAL_END("9"));
	http_hold(fd, n == 0 ? 1000 : 10000);
}

static void silence_is_given_up_and_twice_distrusted(void **state)
{
	(void)state;
	watch_timing.stall_ms = 100;
	run(answer_stall);
	http_script_expect_requests(&script, 3);
	assert_request(1, "&resourceVersion=3");
	assert_request(2, "sendInitialEvents"); /* nothing at all came from 3: is it known there? */
	finish();
	watch_timing.stall_ms = 95000;
}

static void answer_garbage(struct http_script *s, int fd, unsigned n, const char *path)
{
	if (n == 0) {
		http_stream(fd);
		http_chunk(fd, INITIAL_END("2") "<html>");
		http_end(fd);
		return;
	}
	answer_empty(s, fd, n, path);
}

static void garbage_is_distrusted(void **state)
{
	(void)state;
	run(answer_garbage);
	http_script_expect(&script, "begin end up down begin end up ");
	finish();
}

static int64_t refused_ns, asked_again_ns;

static void answer_retry_after(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	if (n == 1)
		refused_ns = clock_monotonic_ns();
	if (n == 2)
		asked_again_ns = clock_monotonic_ns();
	if (n == 1) {
		http_reply(fd, "429 Too Many Requests",
			   "{\"kind\":\"Status\",\"code\":429,\"reason\":\"TooManyRequests\","
			   "\"message\":\"slower\",\"details\":{\"retryAfterSeconds\":1}}");
		return;
	}
	http_stream(fd);
	if (n == 0) {
		http_chunk(fd, INITIAL_END("2"));
		http_break(fd);
		return;
	}
	http_hold(fd, 10000);
}

static void retry_after_is_waited_for(void **state)
{
	(void)state;
	run(answer_retry_after);
	http_script_expect(&script, "begin end up down down up ");
	http_script_expect_requests(&script, 3);
	assert_true(asked_again_ns - refused_ns >= CLOCK_NS_PER_S);
	finish();
}

static void answer_away(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	http_stream(fd);
	if (n == 0) {
		http_chunk(fd, INITIAL_END("2"));
		socket_server_unlisten(
			&s->sockets); /* nobody listens any more, then the stream breaks */
		http_break(fd);
		return;
	}
	http_hold(fd, 10000);
}

static void absent_server_is_met_within_a_second_of_its_return(void **state)
{
	(void)state;
	watch_timing.backoff_ms = 800;
	run(answer_away);
	http_script_expect(&script, "begin end up down down ");
	usleep(2500000);
	int64_t back_ns = clock_monotonic_ns();
	socket_server_bind(&script.sockets, script.sockets.port);
	socket_server_listen(&script.sockets);
	http_script_expect(&script, "begin end up down down up ");
	/* the client's probe comes each second, the watch 250 ms later at most */
	assert_true(clock_monotonic_ns() - back_ns < 1500 * CLOCK_NS_PER_MS);
	assert_request(1, "&resourceVersion=2");
	finish();
	watch_timing.backoff_ms = 20;
}

/* --- the owner --- */

static void answer_many(struct http_script *s, int fd, unsigned n, const char *path)
{
	(void)s;
	(void)path;
	http_stream(fd);
	http_chunk(fd, FRAME("ADDED", POD("a", "1")) FRAME("ADDED", POD("b", "2")) INITIAL_END("3")
			       FRAME("ADDED", POD("c", "4")));
	http_hold(fd, n == 0 ? 1000 : 10000);
}

static void watch_stop_inside_a_callback_is_the_last(void **state)
{
	(void)state;
	stop_at = 1;
	run(answer_many);
	http_script_expect(&script, "begin A:a ");
	usleep(50000);
	http_script_expect(&script, "begin A:a ");
	finish();
}

static void watch_relist_inside_a_callback_replaces(void **state)
{
	(void)state;
	relist_at = 2;
	run(answer_many);
	http_script_expect(&script, "begin A:a A:b abort begin A:a A:b end up A:c ");
	assert_request(1, "sendInitialEvents");
	finish();
}

static void relist(void *data)
{
	(void)data;
	watch_relist(watch);
}

static void watch_relist_replaces(void **state)
{
	(void)state;
	run(answer_many);
	http_script_expect(&script, "begin A:a A:b end up A:c ");
	assert_true(watch_synced(watch));
	assert_true(watch_last_event_ns(watch) > 0);
	http_script_call(&script, relist, NULL);
	http_script_expect(&script, "begin A:a A:b end up A:c begin A:a A:b end A:c ");
	finish();
}

static void frames_of_unknown_types_are_ignored(void **state)
{
	char text[] = FRAME("FUTURE", "{}");
	struct watch_frame f;

	(void)state;
	assert_int_equal(watch_frame_parse(&f, text, sizeof(text) - 2, NULL), 0);
	assert_int_equal(f.kind, WATCH_FRAME_UNKNOWN);
	assert_int_equal(watch_frame_parse(&f, (char[]){ "{\"type\":\"ADDED\"}" }, 16, NULL),
			 -EPROTO);
	assert_int_equal(watch_frame_parse(&f, (char[]){ "{\"object\":{}}" }, 13, NULL), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_unknown_types_are_ignored),
		cmocka_unit_test(watch_list_is_a_replace_then_changes),
		cmocka_unit_test(watch_list_of_nothing_is_an_empty_replace),
		cmocka_unit_test(watch_list_that_breaks_is_aborted),
		cmocka_unit_test(refused_watch_list_falls_back_to_list),
		cmocka_unit_test(refused_watch_list_is_asked_for_again_later),
		cmocka_unit_test(error_500_in_the_stream_falls_back_to_list),
		cmocka_unit_test(list_that_is_cut_or_404_removes_nothing),
		cmocka_unit_test(http_410_is_a_replace),
		cmocka_unit_test(short_watches_and_429_back_off_and_watch_again),
		cmocka_unit_test(silence_is_given_up_and_twice_distrusted),
		cmocka_unit_test(garbage_is_distrusted),
		cmocka_unit_test(retry_after_is_waited_for),
		cmocka_unit_test(absent_server_is_met_within_a_second_of_its_return),
		cmocka_unit_test(watch_stop_inside_a_callback_is_the_last),
		cmocka_unit_test(watch_relist_inside_a_callback_replaces),
		cmocka_unit_test(watch_relist_replaces),
	};

	watch_timing.backoff_ms = 20;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
