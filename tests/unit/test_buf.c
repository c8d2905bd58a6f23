/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/buf.c: growth, sticky failure, and the three ways of quoting foreign text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"

static void buf_str_empty_is_empty_string(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_add(&b, NULL, 0);
	buf_add_str(&b, NULL);
	buf_add_str(&b, "");
	buf_drop_front(&b, 5);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_error(&b), 0);
}

static void buf_add_pieces_concatenates(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	buf_add_str(&b, "ab");
	buf_add_char(&b, '\0');
	buf_add(&b, "cd", 2);
	buf_printf(&b, "%d%s", 7, "x");
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "ab\0cd7x", 8);
}

static void buf_add_many_keeps_content_and_nul(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		buf_add_char(&b, (char)('a' + i % 26));
		assert_true(b.data[b.len] == '\0' && b.cap > b.len);
	}
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
}

static void buf_printf_long_grows(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	for (int width = 0; width < 300; width++) {
		buf_reset(&b);
		buf_printf(&b, "%*s", width, "");
		assert_int_equal(b.len, width);
		assert_int_equal(strlen(buf_str(&b)), width);
	}
}

static void buf_reserve_overflow_is_sticky(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	buf_add_str(&b, "kept");
	assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOMEM);
	assert_int_equal(buf_error(&b), -ENOMEM);
	buf_add_str(&b, "lost");
	buf_printf(&b, "lost");
	assert_string_equal(buf_str(&b), "kept");
	assert_int_equal(buf_reserve(&b, 0), -ENOMEM);
	buf_reset(&b);
	assert_int_equal(buf_error(&b), 0);
	buf_add_str(&b, "new");
	assert_string_equal(buf_str(&b), "new");
}

static void buf_reserve_half_the_address_space_fails(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(buf_reserve(&b, PTRDIFF_MAX), -ENOMEM);
	assert_null(b.data);
}

static void buf_steal_content_moves(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add_str(&b, "x");

	_cleanup_(cleanup_free) char *s = buf_steal(&b);

	assert_string_equal(s, "x");
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);

	_cleanup_(cleanup_free) char *empty = buf_steal(&b);

	assert_string_equal(empty, "");
}

static void buf_steal_failed_is_null(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add_str(&b, "x");
	buf_reserve(&b, SIZE_MAX);
	assert_null(buf_steal(&b));
	assert_null(b.data);
	assert_int_equal(buf_error(&b), 0);
}

static void buf_drop_front_any_length_keeps_the_rest(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	buf_add_str(&b, "abcdef");
	buf_drop_front(&b, 0);
	assert_string_equal(buf_str(&b), "abcdef");
	buf_drop_front(&b, 2);
	assert_string_equal(buf_str(&b), "cdef");
	assert_int_equal(b.len, 4);
	buf_drop_front(&b, SIZE_MAX);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.len, 0);
}

struct quoted {
	const char *in;
	const char *out;
};

static void check(void (*add)(struct buf *, const char *, size_t), const struct quoted *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		/* exactly as long as the text, so that the sanitiser sees a read beyond it */
		size_t len = strlen(q[i].in);
		_cleanup_(cleanup_free) char *in = malloc(len ? len : 1);

		assert_non_null(in);
		memcpy(in, q[i].in, len);
		add(&b, in, len);
		assert_string_equal(buf_str(&b), q[i].out);
	}
}

static void buf_add_escaped_untrusted_text_is_printable(void **state)
{
	static const struct quoted q[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "a\\b", "a\\\\b" },
		{ "a\nb\tc\rd", "a\\nb\\tc\\x0Dd" },
		{ "\033[31mred\177", "\\x1B[31mred\\x7F" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xC2\\x9B31m" },                                        /* C1: CSI */
		{ "\xc2\xa0", "\xc2\xa0" },                                 /* first after C1 */
		{ "\xff\x80", "\\xFF\\x80" },                               /* no UTF-8 */
		{ "\xc0\xaf\xc1\xbf", "\\xC0\\xAF\\xC1\\xBF" },             /* overlong, 2 bytes */
		{ "\xe0\x9f\xbf", "\\xE0\\x9F\\xBF" },                      /* overlong, 3 bytes */
		{ "\xf0\x8f\xbf\xbf", "\\xF0\\x8F\\xBF\\xBF" },             /* overlong, 4 bytes */
		{ "\xed\xa0\x80", "\\xED\\xA0\\x80" },                      /* a surrogate */
		{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" }, /* its neighbours */
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },                 /* U+10FFFF */
		{ "\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80" },             /* beyond it */
		{ "\xf5\x80\x80\x80", "\\xF5\\x80\\x80\\x80" },
		{ "x\xe2\x82", "x\\xE2\\x82" }, /* cut off */
		{ "\xe2\x82z", "\\xE2\\x82z" },
		{ "\xf0\x9f\x98", "\\xF0\\x9F\\x98" },
	};

	(void)state;
	check(buf_add_escaped, q, ARRAY_SIZE(q));
}

static void buf_add_json_any_bytes_is_valid_json(void **state)
{
	static const struct quoted q[] = {
		{ "", "\"\"" },
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
		{ "\001\037\177", "\"\\u0001\\u001f\177\"" },
		{ "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80"
		  "b",
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		  "b\"" },
	};
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	check(buf_add_json, q, ARRAY_SIZE(q));
	buf_add_json(&b, "a\0b", 3);
	assert_string_equal(buf_str(&b), "\"a\\u0000b\"");
}

static void buf_add_urlencoded_reserved_is_percent(void **state)
{
	static const struct quoted q[] = {
		{ "", "" },
		{ "AZaz09-._~", "AZaz09-._~" },
		{ "a b/c?d=e&f+g%h", "a%20b%2Fc%3Fd%3De%26f%2Bg%25h" },
		{ "\xc3\xa9\xff\n", "%C3%A9%FF%0A" },
		{ "@[`{!,:;'()*", "%40%5B%60%7B%21%2C%3A%3B%27%28%29%2A" },
	};
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	check(buf_add_urlencoded, q, ARRAY_SIZE(q));
	buf_add_urlencoded(&b, "\0", 1);
	assert_string_equal(buf_str(&b), "%00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_str_empty_is_empty_string),
		cmocka_unit_test(buf_add_pieces_concatenates),
		cmocka_unit_test(buf_add_many_keeps_content_and_nul),
		cmocka_unit_test(buf_printf_long_grows),
		cmocka_unit_test(buf_reserve_overflow_is_sticky),
		cmocka_unit_test(buf_reserve_half_the_address_space_fails),
		cmocka_unit_test(buf_steal_content_moves),
		cmocka_unit_test(buf_steal_failed_is_null),
		cmocka_unit_test(buf_drop_front_any_length_keeps_the_rest),
		cmocka_unit_test(buf_add_escaped_untrusted_text_is_printable),
		cmocka_unit_test(buf_add_json_any_bytes_is_valid_json),
		cmocka_unit_test(buf_add_urlencoded_reserved_is_percent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
