/* SPDX-License-Identifier: Apache-2.0 */
/* fs/errors.c: who sees which rows, the ring's bound, cut and escaped texts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/errors.h"
#include "k8s/base/cleanup.h"

static void add(struct errors *l, uid_t uid, const char *path, const char *text)
{
	struct error e = ERROR_INIT;

	error_set(&e, EDQUOT, "%s", text);
	errors_add(l, uid, "mkdir", path, &e);
}

static size_t count_lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

static void errors_show_row_has_its_fields(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct errors *l = NULL;

	(void)state;
	assert_int_equal(errors_new(&l, NULL), 0);
	errors_show(l, 0, true, &out);
	assert_int_equal(out.len, 0);
	add(l, 1000, "a\nb", "pods \"x\" is forbidden:\texceeded quota");
	errors_show(l, 1000, false, &out);
	assert_int_equal(out.len, strlen(buf_str(&out)));
	assert_string_equal(buf_str(&out) + strlen("2026-01-01T00:00:00Z"),
			    "\t1000\tmkdir\ta\\nb\tEDQUOT\t"
			    "pods \"x\" is forbidden:\\texceeded quota\n");
	assert_int_equal(errors_failed(l), 1);
	errors_free(l);
}

static void errors_show_others_rows_are_hidden(void **state)
{
	_cleanup_(buf_done) struct buf own = BUF_INIT, all = BUF_INIT;
	struct errors *l = NULL;

	(void)state;
	assert_int_equal(errors_new(&l, NULL), 0);
	add(l, 1000, "a", "first");
	add(l, 1001, "b", "second");
	errors_show(l, 1001, false, &own);
	errors_show(l, 1001, true, &all);
	assert_null(strstr(buf_str(&own), "first"));
	assert_non_null(strstr(buf_str(&own), "second"));
	assert_true(strstr(buf_str(&all), "first") < strstr(buf_str(&all), "second"));
	errors_free(l);
}

static void errors_warn_is_shown_and_is_no_failure(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct errors *l = NULL;

	(void)state;
	assert_int_equal(errors_new(&l, NULL), 0);
	errors_warn(l, 1000, "mkdir", "a", "would violate \"restricted\"");
	errors_show(l, 1000, false, &out);
	assert_string_equal(buf_str(&out) + strlen("2026-01-01T00:00:00Z"),
			    "\t1000\tmkdir\ta\twarning\twould violate \"restricted\"\n");
	assert_int_equal(errors_failed(l), 0);
	errors_free(l);
}

static void errors_add_beyond_the_ring_oldest_goes(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct errors *l = NULL;
	char text[32];

	(void)state;
	assert_int_equal(errors_new(&l, NULL), 0);
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "number %d.", i);
		add(l, 0, "p", text);
	}
	errors_show(l, 0, true, &out);
	assert_int_equal(count_lines(&out), 256);
	assert_null(strstr(buf_str(&out), "number 43."));
	assert_non_null(strstr(buf_str(&out), "number 44."));
	assert_non_null(strstr(buf_str(&out), "number 299."));
	assert_int_equal(errors_failed(l), 300);
	errors_free(l);
}

static void errors_add_long_texts_are_cut(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct errors *l = NULL;
	char path[5000];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(errors_new(&l, NULL), 0);
	add(l, 0, path, "t");
	errors_show(l, 0, true, &out);
	assert_int_equal(count_lines(&out), 1);
	assert_true(out.len < 400);
	errors_free(l);
	errors_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_show_row_has_its_fields),
		cmocka_unit_test(errors_show_others_rows_are_hidden),
		cmocka_unit_test(errors_warn_is_shown_and_is_no_failure),
		cmocka_unit_test(errors_add_beyond_the_ring_oldest_goes),
		cmocka_unit_test(errors_add_long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
