/* SPDX-License-Identifier: Apache-2.0 */
/* fs/weaver/podspec_pairs.c: KEY=VALUE lines, all or nothing. */
#include "fs/weaver/podspec_pairs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fs/weaver/podspec_check.h"

static const struct podspec_pairs_rules env = { "env", podspec_check_key, NULL };

static int parse(struct podspec_pairs *p, const char *text, const struct podspec_pairs_rules *rules,
		 struct error *e)
{
	return podspec_pairs_parse(p, text, strlen(text), rules, e);
}

static void check(const struct podspec_pairs *p, const char *expected)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT;

	for (size_t i = 0; i < p->n; i++)
		buf_printf(&all, "%s=%s;", p->items[i].key, p->items[i].value);
	assert_string_equal(buf_str(&all), expected);
}

static void parse_later_ones_win_and_order_stays(void **state)
{
	_cleanup_(podspec_pairs_done) struct podspec_pairs p = { 0 };

	(void)state;
	assert_int_equal(parse(&p, "A=1\n\nB=x=y\nA=2", &env, NULL), 0);
	check(&p, "A=2;B=x=y;");
	assert_int_equal(parse(&p, "C=\nB=3\n", &env, NULL), 0);
	check(&p, "A=2;B=3;C=;");
	assert_int_equal(parse(&p, "", &env, NULL), 0);
	assert_int_equal(p.n, 3);
}

static void parse_bad_line_changes_nothing_and_hides_values(void **state)
{
	static const char *const bad[] = { "A=hush\n1=hush", "A=hush\nhush2", "B=hush\x01",
					   "B=hush\xff",     "=hush",         "LD_X=hush" };
	_cleanup_(podspec_pairs_done) struct podspec_pairs p = { 0 };

	(void)state;
	assert_int_equal(parse(&p, "A=1", &env, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		assert_int_equal(parse(&p, bad[i], &env, &e), -EINVAL);
		assert_null(strstr(e.text, "hush\x01"));
		assert_true(!strstr(e.text, "hush") || strstr(e.text, "hush2"));
		check(&p, "A=1;");
	}
}

static void parse_key_alone_keeps_a_known_value(void **state)
{
	_cleanup_(podspec_pairs_done) struct podspec_pairs old = { 0 }, p = { 0 };
	const struct podspec_pairs_rules rules = { "secrets", podspec_check_key, &old };

	(void)state;
	assert_int_equal(parse(&old, "A=1\nB=2", &env, NULL), 0);
	assert_int_equal(parse(&p, "B\nC=3\nA=\n", &rules, NULL), 0);
	check(&p, "B=2;C=3;A=;");
	assert_int_equal(parse(&p, "D", &rules, NULL), -EINVAL);
}

static void parse_has_a_bound(void **state)
{
	_cleanup_(podspec_pairs_done) struct podspec_pairs p = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (int i = 0; i < PODSPEC_PAIRS_MAX; i++)
		buf_printf(&text, "K%d=v\n", i);
	assert_int_equal(parse(&p, buf_str(&text), &env, NULL), 0);
	assert_int_equal(parse(&p, "K0=w", &env, NULL), 0);
	assert_int_equal(parse(&p, "X=v", &env, &e), -EINVAL);
	assert_non_null(strstr(e.text, "1000"));
	assert_int_equal(p.n, PODSPEC_PAIRS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_later_ones_win_and_order_stays),
		cmocka_unit_test(parse_bad_line_changes_nothing_and_hides_values),
		cmocka_unit_test(parse_key_alone_keeps_a_known_value),
		cmocka_unit_test(parse_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
