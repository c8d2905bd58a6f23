/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k8s/base/quantity.c against the rules of apimachinery's Quantity: its suffixes, exactness with
 * any number of digits, rounding up, and the ends of the range.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/quantity.h"

struct expected {
	const char *text;
	int64_t value;
};

static void check(int (*parse)(const char *, int64_t *, struct error *), const struct expected *x,
		  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct error e = ERROR_INIT;
		int64_t value = -1;
		int r = parse(x[i].text, &value, &e);

		if (r != 0 || value != x[i].value)
			print_error("\"%s\": %d %lld %s\n", x[i].text, r, (long long)value, e.text);
		assert_int_equal(r, 0);
		assert_true(value == x[i].value);
		assert_int_equal(e.code, 0);
	}
}

static void check_fails(const char *text, int code)
{
	struct error e = ERROR_INIT;
	int64_t value = 42;

	assert_int_equal(quantity_parse(text, &value, &e), -code);
	assert_int_equal(e.code, code);
	assert_true(strlen(e.text) > 0);
	assert_true(value == 42);
	assert_int_equal(quantity_parse_milli(text, &value, NULL), -code);
	assert_true(value == 42);
}

static void quantity_parse_each_suffix_scales(void **state)
{
	static const struct expected x[] = {
		{ "1", 1 },
		{ "2k", 2000 },
		{ "3M", 3000000 },
		{ "4G", 4000000000 },
		{ "5T", 5000000000000 },
		{ "6P", 6000000000000000 },
		{ "7E", 7000000000000000000 },
		{ "1Ki", 1024 },
		{ "2Mi", 2097152 },
		{ "8Gi", 8589934592 },
		{ "3Ti", 3298534883328 },
		{ "4Pi", 4503599627370496 },
		{ "7Ei", 8070450532247928832 },
		{ "1000m", 1 },
		{ "1000000u", 1 },
		{ "1000000000n", 1 },
	};

	(void)state;
	check(quantity_parse, x, ARRAY_SIZE(x));
}

static void quantity_parse_exponent_scales(void **state)
{
	static const struct expected x[] = {
		{ "1e3", 1000 },
		{ "1E3", 1000 },
		{ "1e+3", 1000 },
		{ "12e-1", 2 },
		{ "1.5e1", 15 },
		{ "100e-2", 1 },
		{ "0e99999999999999999999", 0 },
		{ "1e-99999999999999999999", 1 },
		{ "1e0018", 1000000000000000000 },
		{ "10000000000000000000000e-22", 1 },
		{ "0.0000000000000000000001e22", 1 },
	};

	(void)state;
	check(quantity_parse, x, ARRAY_SIZE(x));
}

static void quantity_parse_fraction_rounds_up(void **state)
{
	static const struct expected x[] = {
		{ "0.5", 1 },
		{ "100m", 1 },
		{ "1001m", 2 },
		{ "1n", 1 },
		{ "1.000", 1 },
		{ "1.0000000000000000000000000000000000000000000001", 2 },
		{ "1.5Gi", 1610612736 },
		{ "0.05Gi", 53687092 },
		{ "0.0009765625Ki", 1 },
		{ "0.00097656250000000000000000000000000000000000001Ki", 2 },
		{ "0.0000000000000000000000000000000000001Ei", 1 },
		{ "0.5Ei", 576460752303423488 },
		{ "1.1Ei", 1268213655067531674 },
		{ "2.999999999999999999999999999999", 3 },
	};

	(void)state;
	check(quantity_parse, x, ARRAY_SIZE(x));
}

static void quantity_parse_odd_forms_are_accepted(void **state)
{
	static const struct expected x[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "+5", 5 },
		{ ".5k", 500 },
		{ "5.", 5 },
		{ "5.k", 5000 },
		{ "0000000000000000000000000000007", 7 },
		{ "0.000", 0 },
		{ "00.5Ki", 512 },
		{ "-0.0Gi", 0 },
	};

	(void)state;
	check(quantity_parse, x, ARRAY_SIZE(x));
}

static void quantity_parse_milli_cpu_is_thousandths(void **state)
{
	static const struct expected x[] = {
		{ "500m", 500 },
		{ "2", 2000 },
		{ "0.5", 500 },
		{ "1.5", 1500 },
		{ "0.0001", 1 },
		{ "100u", 1 },
		{ "1500u", 2 },
		{ "0.1k", 100000 },
		{ "1e-3", 1 },
		{ "1Ki", 1024000 },
		{ "0.0009765625Ki", 1000 },
		{ "9223372036854775807m", INT64_MAX },
		{ "9223372036854775.807", INT64_MAX },
	};

	(void)state;
	check(quantity_parse_milli, x, ARRAY_SIZE(x));
}

static void quantity_parse_ends_of_range_are_exact(void **state)
{
	static const struct expected x[] = {
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775806.1", INT64_MAX },
		{ "9.223372036854775807E", INT64_MAX },
	};
	int64_t value;

	(void)state;
	check(quantity_parse, x, ARRAY_SIZE(x));
	/* 2^63 minus less than one rounds up to 2^63, which is too much */
	assert_int_equal(quantity_parse("7.9999999999999999999Ei", &value, NULL), -ERANGE);
	assert_int_equal(quantity_parse("9223372036854775807.1", &value, NULL), -ERANGE);
	assert_int_equal(quantity_parse("9223372036854775808", &value, NULL), -ERANGE);
	assert_int_equal(quantity_parse_milli("9223372036854775.8071", &value, NULL), -ERANGE);
}

static void quantity_parse_out_of_range_is_erange(void **state)
{
	(void)state;
	check_fails("8Ei", ERANGE);
	check_fails("10E", ERANGE);
	check_fails("1e19", ERANGE);
	check_fails("1e999999999999999999999", ERANGE);
	check_fails("99999999999999999999999999999999999999999999", ERANGE);
	check_fails("99999999999999999999999999999999999999999999Ei", ERANGE);
	check_fails("-1", ERANGE);
	check_fails("-0.001", ERANGE);
	check_fails("-5Gi", ERANGE);
}

static void quantity_parse_no_quantity_is_einval(void **state)
{
	static const char *const bad[] = {
		"",    " ",   "1 ",   " 1",    ".",     "+",    "-",    "--1",
		"+-1", "Ki",  "m",    "1K",    "1ki",   "1KI",  "1Kib", "1e",
		"1e+", "1E-", "1e3m", "1e3.5", "1.2.3", "1,5",  "1mm",  "0x10",
		"1i",  "inf", "nan",  "1\n",   "1Ei3",  "1 Gi", "\xff", "1\xc2\xb5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_fails(bad[i], EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantity_parse_each_suffix_scales),
		cmocka_unit_test(quantity_parse_exponent_scales),
		cmocka_unit_test(quantity_parse_fraction_rounds_up),
		cmocka_unit_test(quantity_parse_odd_forms_are_accepted),
		cmocka_unit_test(quantity_parse_milli_cpu_is_thousandths),
		cmocka_unit_test(quantity_parse_ends_of_range_are_exact),
		cmocka_unit_test(quantity_parse_out_of_range_is_erange),
		cmocka_unit_test(quantity_parse_no_quantity_is_einval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
