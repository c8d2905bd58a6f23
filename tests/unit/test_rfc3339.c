/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/rfc3339.c: stamps of the API server and of kubelets, the calendar, and both ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"

struct expected {
	const char *text;
	int64_t seconds;
	int64_t nanos;
};

/* From memory of exactly the stamp's length: the sanitiser sees a read beyond it. */
static int parse(const char *text, int64_t *ret_ns, struct error *e)
{
	size_t len = strlen(text);
	_cleanup_(cleanup_free) char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, text, len);
	return rfc3339_parse(exact, len, ret_ns, e);
}

static void check(const struct expected *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct error e = ERROR_INIT;
		int64_t ns = -1, s = -1;
		int r = parse(x[i].text, &ns, &e);

		if (r != 0 || ns != x[i].seconds * CLOCK_NS_PER_S + x[i].nanos)
			print_error("%s: %d %lld %s\n", x[i].text, r, (long long)ns, e.text);
		assert_int_equal(r, 0);
		assert_true(ns == x[i].seconds * CLOCK_NS_PER_S + x[i].nanos);
		assert_int_equal(rfc3339_parse_seconds(x[i].text, &s, &e), 0);
		assert_true(s == x[i].seconds);
		assert_int_equal(e.code, 0);
	}
}

static void rfc3339_parse_offsets_are_subtracted(void **state)
{
	static const struct expected x[] = {
		{ "2026-11-24T06:24:23Z", 1795501463, 0 },
		{ "2026-11-24T07:24:23+01:00", 1795501463, 0 },
		{ "2026-11-23T18:54:23-11:30", 1795501463, 0 },
		{ "2026-11-24T06:24:23-00:00", 1795501463, 0 },
		{ "2026-11-25T06:23:23+23:59", 1795501463, 0 },
		{ "1969-12-31T23:00:00-01:00", 0, 0 },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void rfc3339_parse_lower_case_is_accepted(void **state)
{
	static const struct expected x[] = {
		{ "2026-11-24t06:24:23z", 1795501463, 0 },
		{ "2026-11-24t06:24:23.5z", 1795501463, 500000000 },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void rfc3339_parse_fraction_is_cut_at_nanoseconds(void **state)
{
	static const struct expected x[] = {
		{ "2026-11-24T06:24:23.1Z", 1795501463, 100000000 },
		{ "2026-11-24T06:24:23.000000001Z", 1795501463, 1 },
		{ "2026-11-24T06:24:23.123456789Z", 1795501463, 123456789 },
		{ "2026-11-24T06:24:23.9999999999999999999999999Z", 1795501463, 999999999 },
		{ "2026-11-24T07:24:23.123456789+01:00", 1795501463, 123456789 },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void rfc3339_parse_calendar_is_gregorian(void **state)
{
	static const struct expected x[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2000-02-29T00:00:00Z", 951782400, 0 },
		{ "2024-02-29T23:59:59Z", 1709251199, 0 },
		{ "2024-03-01T00:00:00Z", 1709251200, 0 },
		{ "2100-02-28T00:00:00Z", 4107456000, 0 },
		{ "2038-01-19T03:14:08Z", 2147483648, 0 },
		{ "2016-12-31T23:59:60Z", 1483228799, 0 },
		{ "2016-12-31T23:59:60.25Z", 1483228799, 250000000 },
		{ "2261-12-31T23:59:59.999999999Z", 9214646399, 999999999 },
	};

	(void)state;
	check(x, ARRAY_SIZE(x));
}

static void rfc3339_parse_outside_range_is_einval(void **state)
{
	static const char *const bad[] = {
		"1969-12-31T23:59:59Z",      "1970-01-01T00:00:00+00:01",
		"0001-01-01T00:00:00Z", /* Go's zero time */
		"0000-01-01T00:00:00Z",      "2262-01-01T00:00:00Z",
		"2261-12-31T23:59:59-00:01", "9999-12-31T23:59:59Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		int64_t ns = 42;

		assert_int_equal(parse(bad[i], &ns, &e), -EINVAL);
		assert_non_null(strstr(e.text, "1970-2261"));
		assert_true(ns == 42);
	}
}

static void rfc3339_parse_no_stamp_is_einval(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11-24",
		"2026-11-24T06:24:23",
		"2026-11-24T06:24Z",
		"2026-11-24 06:24:23Z",
		" 2026-11-24T06:24:23Z",
		"2026-11-24T06:24:23Z ",
		"2026-11-24T06:24:23ZZ",
		"2026-11-24T06:24:23.Z",
		"2026-11-24T06:24:23,5Z",
		"2026-11-24T06:24:23.5",
		"2026-11-24T06:24:23+0100",
		"2026-11-24T06:24:23+01",
		"2026-11-24T06:24:23+01:",
		"2026-11-24T06:24:23+24:00",
		"2026-11-24T06:24:23+01:60",
		"2026-13-24T06:24:23Z",
		"2026-00-24T06:24:23Z",
		"2026-11-00T06:24:23Z",
		"2026-11-31T06:24:23Z",
		"2026-02-29T06:24:23Z",
		"2100-02-29T06:24:23Z",
		"2026-11-24T24:00:00Z",
		"2026-11-24T06:60:23Z",
		"2026-11-24T06:24:61Z",
		"26-11-24T06:24:23Z",
		"2026-1-24T06:24:23Z",
		"+2026-11-24T06:24:23Z",
		"2026-11-24T06:24:-3Z",
		"2026/11/24T06:24:23Z",
		"null",
		"\xff\xff\xff\xff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error e = ERROR_INIT;
		int64_t ns = 42;

		if (parse(bad[i], &ns, &e) != -EINVAL)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_non_null(strstr(e.text, "no RFC 3339 time"));
		assert_true(ns == 42);
		assert_int_equal(rfc3339_parse_seconds(bad[i], &ns, NULL), -EINVAL);
	}
}

static void rfc3339_parse_nul_inside_is_einval(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(rfc3339_parse("2026-11-24T06:24:23Z", 21, &ns, NULL), -EINVAL);
	assert_int_equal(rfc3339_parse("2026-11-24\0"
				       "06:24:23Z",
				       20, &ns, NULL),
			 -EINVAL);
}

static void rfc3339_format_any_second_has_twenty_characters(void **state)
{
	char out[RFC3339_SECONDS_LEN + 1];

	(void)state;
	rfc3339_format(1795501463, out);
	assert_string_equal(out, "2026-11-24T06:24:23Z");
	rfc3339_format(0, out);
	assert_string_equal(out, "1970-01-01T00:00:00Z");
	rfc3339_format(951782400, out);
	assert_string_equal(out, "2000-02-29T00:00:00Z");
	rfc3339_format(INT64_MIN, out);
	assert_string_equal(out, "1970-01-01T00:00:00Z");
	rfc3339_format(INT64_MAX, out);
	assert_string_equal(out, "9999-12-31T23:59:59Z");
}

static void rfc3339_format_nanos_any_has_thirty_characters(void **state)
{
	char out[RFC3339_NANOS_LEN + 1];

	(void)state;
	rfc3339_format_nanos(1795501463000000042, out);
	assert_string_equal(out, "2026-11-24T06:24:23.000000042Z");
	rfc3339_format_nanos(INT64_MIN, out);
	assert_string_equal(out, "1970-01-01T00:00:00.000000000Z");
	rfc3339_format_nanos(INT64_MAX, out);
	assert_string_equal(out, "2262-04-11T23:47:16.854775807Z");
}

static void rfc3339_format_nanos_parses_back(void **state)
{
	char out[RFC3339_NANOS_LEN + 1];

	(void)state;
	for (int64_t ns = 0; ns < INT64_C(9214646400) * CLOCK_NS_PER_S; ns += 91234567890123457) {
		int64_t back;

		rfc3339_format_nanos(ns, out);
		assert_int_equal(rfc3339_parse(out, RFC3339_NANOS_LEN, &back, NULL), 0);
		assert_true(back == ns);
	}
}

static void rfc3339_parse_local_zone_does_not_matter(void **state)
{
	static const struct expected x[] = { { "2026-07-01T00:00:00Z", 1782864000, 0 } };

	(void)state;
	setenv("TZ", "CET-1CEST", 1);
	tzset();
	check(x, 1);
	setenv("TZ", "right/UTC", 1);
	tzset();
	check(x, 1);
	unsetenv("TZ");
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3339_parse_offsets_are_subtracted),
		cmocka_unit_test(rfc3339_parse_lower_case_is_accepted),
		cmocka_unit_test(rfc3339_parse_fraction_is_cut_at_nanoseconds),
		cmocka_unit_test(rfc3339_parse_calendar_is_gregorian),
		cmocka_unit_test(rfc3339_parse_outside_range_is_einval),
		cmocka_unit_test(rfc3339_parse_no_stamp_is_einval),
		cmocka_unit_test(rfc3339_parse_nul_inside_is_einval),
		cmocka_unit_test(rfc3339_format_any_second_has_twenty_characters),
		cmocka_unit_test(rfc3339_format_nanos_any_has_thirty_characters),
		cmocka_unit_test(rfc3339_format_nanos_parses_back),
		cmocka_unit_test(rfc3339_parse_local_zone_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
