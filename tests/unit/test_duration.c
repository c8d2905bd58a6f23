/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/duration.c: what people write as a lifetime, and what is refused with a reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/duration.h"

struct expected {
	const char *text;
	int64_t seconds;
	bool relative;
};

static void check(const struct expected *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct duration d = { .seconds = 42 };
		struct error e = ERROR_INIT;
		int r = duration_parse(x[i].text, &d, &e);

		if (r != 0 || d.seconds != x[i].seconds)
			print_error("\"%s\": %d %lld %s\n", x[i].text, r, (long long)d.seconds,
				    e.text);
		assert_int_equal(r, 0);
		assert_true(d.seconds == x[i].seconds);
		assert_int_equal(d.relative, x[i].relative);
		assert_int_equal(e.code, 0);
	}
}

static void duration_parse_units_sum_up(void **state)
{
	static const struct expected x[] = {
		{ "0", 0, false },         { "3600", 3600, false },
		{ "007", 7, false },       { "45s", 45, false },
		{ "90m", 5400, false },    { "8h", 28800, false },
		{ "1d", 86400, false },    { "2w", 1209600, false },
		{ "1h30m", 5400, false },  { "1w2d3h4m5s", 788645, false },
		{ "1w5s", 604805, false }, { "100m100s", 6100, false },
		{ "0h", 0, false },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void duration_parse_sign_is_relative(void **state)
{
	static const struct expected x[] = {
		{ "+1h30m", 5400, true },
		{ "-1h30m", -5400, true },
		{ "+60", 60, true },
		{ "-0", 0, true },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void duration_parse_blanks_around_are_ignored(void **state)
{
	static const struct expected x[] = {
		{ " 90m\n", 5400, false },
		{ "\t+5s \r\n", 5, true },
		{ " 7 ", 7, false },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void duration_parse_ten_years_is_the_limit(void **state)
{
	static const struct expected x[] = {
		{ "3650d", 315360000, false },
		{ "-315360000", -315360000, true },
		{ "3649d24h", 315360000, false },
		{ "00000000000000000000000000000000001s", 1, false },
	};
	static const char *const beyond[] = {
		"315360001",
		"3651d",
		"3650d1s",
		"-3650d1s",
		"522w",
		"99999999999999999999999999999999",
		"18446744073709551617",
		"9223372036854775807w9223372036854775807d",
		"30500568904943w",
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		struct duration d;
		struct error e = ERROR_INIT;

		int expected = beyond[i][0] == '-' ? -EINVAL : -ERANGE;
		assert_int_equal(duration_parse(beyond[i], &d, &e), expected);
		assert_non_null(strstr(e.text, "longer than 10 years"));
	}
}

static void duration_parse_no_duration_is_einval(void **state)
{
	static const char *const bad[] = {
		"",      " ",    "\n",   "+",       "-",   "+ 1h", "h",    "1h 30m", "30m1h",
		"1h1h",  "1s1m", "1h30", "1.5h",    "1H",  "1y",   "1ms",  "--1h",   "+-1h",
		"1h-5m", "0x10", "1h+",  "forever", "1d,", "1e3",  "\xff", "1\xff",  "1hh",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct duration d = { .seconds = 42 };
		struct error e = ERROR_INIT;

		assert_int_equal(duration_parse(bad[i], &d, &e), -EINVAL);
		assert_int_equal(duration_parse(bad[i], &d, NULL), -EINVAL);
		assert_int_equal(e.code, EINVAL);
		assert_memory_equal(e.text, "duration", 8);
		assert_true(d.seconds == 42);
	}
}

static void duration_parse_failure_names_the_place(void **state)
{
	struct duration d;
	struct error e = ERROR_INIT;

	(void)state;
	duration_parse("1h30m5x", &d, &e);
	assert_string_equal(e.text, "duration \"1h30m5x\": no unit at \"x\" "
				    "(w d h m s, each once, in this order)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_parse_units_sum_up),
		cmocka_unit_test(duration_parse_sign_is_relative),
		cmocka_unit_test(duration_parse_blanks_around_are_ignored),
		cmocka_unit_test(duration_parse_ten_years_is_the_limit),
		cmocka_unit_test(duration_parse_no_duration_is_einval),
		cmocka_unit_test(duration_parse_failure_names_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
