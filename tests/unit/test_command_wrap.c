/* SPDX-License-Identifier: Apache-2.0 */
/* fs/into/command_wrap.c: the trailer, in whatever pieces it comes and whatever is like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fs/into/command_wrap.h"
#include "k8s/base/cleanup.h"

#define MARK "01234567-89ab-7def-8123-456789abcdef"
#define TRAILER "\036" MARK " 5 0\036"

/* All that comes of the text, in pieces of that size, and what is held at the end. */
static void strip(struct command_wrap *w, const char *text, size_t len, size_t piece,
		  struct buf *ret)
{
	*w = (struct command_wrap){ .mark = MARK };
	for (size_t at = 0; at < len; at += piece) {
		_cleanup_(buf_done) struct buf out = BUF_INIT;
		size_t n = len - at < piece ? len - at : piece;
		const char *bytes = command_wrap_strip(w, text + at, &n, &out);
		buf_add(ret, bytes, n);
	}
	buf_add(ret, w->held, w->held_len);
}

static void expect(const char *text, size_t len, const char *out, size_t out_len, bool complete)
{
	for (size_t piece = 1; piece <= len; piece++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct command_wrap w;

		strip(&w, text, len, piece, &b);
		assert_int_equal(b.len, out_len);
		assert_memory_equal(buf_str(&b), out, out_len);
		assert_int_equal(w.complete, complete);
		assert_int_equal(w.exit_code, complete ? 5 : 0);
	}
}

#define EXPECT(text, out, complete) expect(text, sizeof(text) - 1, out, sizeof(out) - 1, complete)

static void strip_trailer_in_any_pieces_is_taken_out(void **state)
{
	(void)state;
	EXPECT("some\0\377\nbytes" TRAILER, "some\0\377\nbytes", true);
	EXPECT(TRAILER, "", true);
}

static void strip_without_trailer_gives_all(void **state)
{
	(void)state;
	EXPECT("\036\036a\036" MARK "\036" MARK " \0365", "\036\036a\036" MARK "\036" MARK " \0365",
	       false);
	EXPECT("\036" MARK " 5 0", "\036" MARK " 5 0", false);
	EXPECT("\036" MARK " 5 x\036", "\036" MARK " 5 x\036", false);
	EXPECT("\036" MARK " 55555555555555555555\036", "\036" MARK " 55555555555555555555\036",
	       false);
	EXPECT(MARK " 5 0\036", MARK " 5 0\036", false);
}

static void strip_after_what_is_like_it_finds_it(void **state)
{
	(void)state;
	EXPECT("\036\036" MARK TRAILER, "\036\036" MARK, true);
	EXPECT("\0360123" TRAILER, "\0360123", true);
}

static void strip_after_the_trailer_lets_the_background_print(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct command_wrap w;

	(void)state;
	EXPECT("a" TRAILER "b\036c", "ab\036c", true);
	strip(&w, "\036" MARK " 255 1\036late", strlen("\036" MARK " 255 1\036late"), 100, &b);
	assert_string_equal(buf_str(&b), "late");
	assert_true(w.background);
	assert_int_equal(w.exit_code, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strip_trailer_in_any_pieces_is_taken_out),
		cmocka_unit_test(strip_without_trailer_gives_all),
		cmocka_unit_test(strip_after_what_is_like_it_finds_it),
		cmocka_unit_test(strip_after_the_trailer_lets_the_background_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
