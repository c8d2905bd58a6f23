/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/tail.c, readers.c: the stream from any byte on, to who follows it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sidecar/readers.h"
#include "sidecar/tail.h"
#include "tests/unit/audit_buffer_fixture.h"

static int run_tail(uint64_t after, bool follow, struct buf *out, struct error *e)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	struct tail_options o = { .dir = dir, .after = after, .follow = follow };
	int status = tail_run(&o, fds[1], e);
	close(fds[1]);
	char bytes[4096];
	for (ssize_t n; (n = read(fds[0], bytes, sizeof(bytes))) > 0;)
		buf_add(out, bytes, (size_t)n);
	close(fds[0]);
	return status;
}

static void tail_from_cursor_gives_rest(void **state)
{
	struct buffer *b = open_buffer(NULL);
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	append(b, "one\ntwo\n");
	assert_int_equal(run_tail(5, false, &out, &e), 0);
	assert_string_equal(buf_str(&out), "wo\n");
	buf_reset(&out);
	assert_int_equal(run_tail(8, false, &out, &e), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(run_tail(9, false, &out, &e), TAIL_EXIT_BEYOND);
	assert_non_null(strstr(e.text, "before byte 9: --after 8 goes on"));
	buffer_close(b);
}

static void tail_of_dropped_bytes_says_where_to_go_on(void **state)
{
	struct buffer *b = open_buffer(NULL);
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct error e = ERROR_INIT;
	char expected[100];
	struct buffer_state st;

	(void)state;
	fill_block('x');
	for (int i = 0; i < 40; i++)
		assert_int_equal(append_len(b, block, sizeof(block), 1, 0), 0);
	buffer_state(b, &st);
	snprintf(expected, sizeof(expected), "bytes 7 to %llu are gone: --after %llu goes on",
		 (unsigned long long)st.oldest, (unsigned long long)st.oldest);
	assert_int_equal(run_tail(7, true, &out, &e), TAIL_EXIT_GONE);
	assert_string_equal(e.text, expected);
	assert_int_equal(out.len, 0);
	buffer_close(b);
}

static void read_exactly(int fd, const char *text)
{
	char bytes[64] = "";
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, bytes + at, len - at);
		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_memory_equal(bytes, text, len);
}

static void tail_follow_gives_what_comes_and_is_waited_for(void **state)
{
	struct buffer *b = open_buffer(NULL);
	int fds[2], status;

	(void)state;
	append(b, "one\n");
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct tail_options o = { .dir = dir, .after = 0, .follow = true };
		signal(SIGPIPE, SIG_IGN);
		close(fds[0]);
		_exit(tail_run(&o, fds[1], NULL));
	}
	close(fds[1]);
	read_exactly(fds[0], "one\n");
	append(b, "two\n");
	read_exactly(fds[0], "two\n");
	assert_int_equal(readers_wait(dir, 8, 5000), 0);
	assert_int_equal(readers_wait(dir, 9, 20), 1); /* it is there, and behind */
	/* It ends by itself when nobody reads any more. */
	close(fds[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(readers_wait(dir, 9, 20), 0);
	buffer_close(b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tail_from_cursor_gives_rest),
		T(tail_of_dropped_bytes_says_where_to_go_on),
		T(tail_follow_gives_what_comes_and_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
