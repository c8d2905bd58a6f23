/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/error.c: codes, wrapping, one line whatever goes in, and cuts at whole characters. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/error.h"

static void error_set_text_returns_negative_code(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&e, EDQUOT, "pod %s: %d of %d", "x", 4, 4), -EDQUOT);
	assert_int_equal(e.code, EDQUOT);
	assert_string_equal(e.text, "pod x: 4 of 4");
}

static void error_set_null_returns_negative_code(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, EIO, "x"), -EIO);
	assert_int_equal(error_wrap(NULL, -EIO, "x"), -EIO);
	assert_int_equal(error_oom(NULL), -ENOMEM);
}

static void error_set_own_text_is_safe(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	error_set(&e, EIO, "inner");
	error_set(&e, EACCES, "outer %s", e.text);
	assert_string_equal(e.text, "outer inner");
	assert_int_equal(e.code, EACCES);
}

static void error_set_newlines_become_one_line(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	error_set(&e, EIO, "a\nb\r\nc\n\n");
	assert_string_equal(e.text, "a b  c");
	error_set(&e, EIO, "\n");
	assert_string_equal(e.text, "");
}

static void error_set_too_long_cuts_whole_characters(void **state)
{
	struct error e = ERROR_INIT;
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&e, EIO, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);

	/* a character of three bytes across the end, for each place it can be cut */
	for (size_t at = sizeof(e.text) - 4; at < sizeof(e.text); at++) {
		memset(text, 'x', sizeof(text) - 1);
		memcpy(text + at, "\xe2\x82\xac", 3);
		error_set(&e, EIO, "%s", text);
		assert_int_equal(strlen(e.text), at + 3 < sizeof(e.text) ? sizeof(e.text) - 1 : at);
	}
}

static void error_set_too_long_keeps_stray_bytes(void **state)
{
	struct error e = ERROR_INIT;
	char text[2048];

	(void)state;
	memset(text, '\x80', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&e, EIO, "%s", text);
	assert_true(strlen(e.text) >= sizeof(e.text) - 4);
}

static void error_wrap_text_prepends(void **state)
{
	struct error e = ERROR_INIT;
	int r = error_set(&e, EACCES, "forbidden");

	(void)state;
	assert_int_equal(error_wrap(&e, r, "pod %s", "a"), -EACCES);
	assert_int_equal(error_wrap(&e, r, "mkdir"), -EACCES);
	assert_int_equal(e.code, EACCES);
	assert_string_equal(e.text, "mkdir: pod a: forbidden");
	assert_int_equal(e.code, EACCES);
}

static void error_wrap_empty_says_errno(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_wrap(&e, -ENOENT, "open %s", "/x"), -ENOENT);
	assert_string_equal(e.text, "open /x: No such file or directory");
	assert_int_equal(e.code, ENOENT);

	struct error unknown = ERROR_INIT;

	assert_int_equal(error_wrap(&unknown, -99999, "x"), -99999);
	assert_string_equal(unknown.text, "x: unknown error");
}

static void error_wrap_code_is_what_is_returned(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	error_set(&e, ERANGE, "too large");
	assert_int_equal(error_wrap(&e, -EINVAL, "cpu"), -EINVAL);
	assert_int_equal(e.code, EINVAL);
	assert_string_equal(e.text, "cpu: too large");
}

static void error_wrap_success_touches_nothing(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_wrap(&e, 0, "x"), 0);
	assert_int_equal(error_wrap(&e, 7, "x"), 7);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.text, "");
}

static void error_wrap_long_keeps_the_front(void **state)
{
	struct error e = ERROR_INIT;
	char text[sizeof(e.text)];

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&e, EIO, "%s", text);
	error_wrap(&e, -EIO, "front");
	assert_memory_equal(e.text, "front: yyy", 10);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void error_oom_sets_enomem(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_oom(&e), -ENOMEM);
	assert_int_equal(e.code, ENOMEM);
	assert_string_equal(e.text, "out of memory");
}

static void error_name_any_code_is_a_word(void **state)
{
	(void)state;
	assert_string_equal(error_name(EDQUOT), "EDQUOT");
	assert_string_equal(error_name(ENOENT), "ENOENT");
	assert_string_equal(error_name(0), "E?");
	assert_string_equal(error_name(-1), "E?");
	assert_string_equal(error_name(100000), "E?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_set_text_returns_negative_code),
		cmocka_unit_test(error_set_null_returns_negative_code),
		cmocka_unit_test(error_set_own_text_is_safe),
		cmocka_unit_test(error_set_newlines_become_one_line),
		cmocka_unit_test(error_set_too_long_cuts_whole_characters),
		cmocka_unit_test(error_set_too_long_keeps_stray_bytes),
		cmocka_unit_test(error_wrap_text_prepends),
		cmocka_unit_test(error_wrap_empty_says_errno),
		cmocka_unit_test(error_wrap_code_is_what_is_returned),
		cmocka_unit_test(error_wrap_success_touches_nothing),
		cmocka_unit_test(error_wrap_long_keeps_the_front),
		cmocka_unit_test(error_oom_sets_enomem),
		cmocka_unit_test(error_name_any_code_is_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
