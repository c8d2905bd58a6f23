/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact without big numbers: a decimal suffix, an exponent and the factor of thousandths only move
 * the decimal point within the written digits; a binary suffix multiplies, and a product's fraction
 * is worked out from its last digit to its first, which needs a carry and whether anything is left.
 */
#include "k8s/base/quantity.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "k8s/base/cleanup.h"

/* Beyond this a non-zero number is out of range, or rounds up to 1, whatever its digits. */
#define EXPONENT_MAX 1000000

struct decimal {
	const char *text; /* digits with at most one point among them */
	size_t text_len;
	long point;     /* how many digits stand before the point, after all factors of ten */
	unsigned shift; /* times 2^shift */
	bool negative;
};

/* clang-format off */
static const struct suffix {
	const char *text;
	int exponent;
	unsigned shift;
} suffixes[] = {
	{ "",   0,  0 },
	{ "n", -9,  0 }, { "u", -6,  0 }, { "m", -3,  0 },
	{ "k",  3,  0 }, { "M",  6,  0 }, { "G",  9,  0 }, { "T", 12,  0 }, { "P", 15,  0 }, { "E", 18,  0 },
	{ "Ki", 0, 10 }, { "Mi", 0, 20 }, { "Gi", 0, 30 }, { "Ti", 0, 40 }, { "Pi", 0, 50 }, { "Ei", 0, 60 },
};
/* clang-format on */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The exponent after e or E; false when s is none. Clamped to ±EXPONENT_MAX. */
static bool parse_exponent(const char *s, long *ret)
{
	bool negative = *s == '-';
	long n = 0;

	if (*s == '-' || *s == '+')
		s++;
	if (!is_digit(*s))
		return false;
	for (; is_digit(*s); s++) {
		if (n < EXPONENT_MAX)
			n = n * 10 + (*s - '0');
	}
	if (n > EXPONENT_MAX)
		n = EXPONENT_MAX;
	*ret = negative ? -n : n;
	return *s == '\0';
}

static bool parse_suffix(const char *s, struct decimal *d)
{
	long exponent;

	if ((*s == 'e' || *s == 'E') && parse_exponent(s + 1, &exponent)) {
		d->point += exponent;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (strcmp(s, suffixes[i].text) == 0) {
			d->point += suffixes[i].exponent;
			d->shift = suffixes[i].shift;
			return true;
		}
	}
	return false;
}

static bool parse_decimal(const char *s, struct decimal *d)
{
	size_t whole, fraction = 0;

	*d = (struct decimal){ .negative = *s == '-' };
	if (*s == '-' || *s == '+')
		s++;
	whole = strspn(s, "0123456789");
	d->text = s;
	d->text_len = whole;
	d->point = (long)whole;
	if (s[whole] == '.') {
		fraction = strspn(s + whole + 1, "0123456789");
		d->text_len += 1 + fraction;
	}
	return whole + fraction > 0 && parse_suffix(s + d->text_len, d);
}

/* Skips zeroes in front: the number is then 0.DIGITS times ten to the point. */
static void normalise(struct decimal *d)
{
	while (d->text_len > 0 && (*d->text == '0' || *d->text == '.')) {
		if (*d->text == '0')
			d->point--;
		d->text++;
		d->text_len--;
	}
}

/* ceil(d) into *ret; false when it does not fit. d is normalised and not zero. */
static bool round_up(const struct decimal *d, int64_t *ret)
{
	const char *p = d->text, *end = d->text + d->text_len;
	unsigned __int128 value = 0, carry = 0;
	bool rest = false;

	for (long i = 0; i < d->point; i++) {
		if (p < end && *p == '.')
			p++;
		value = value * 10 + (unsigned)(p < end ? *p++ - '0' : 0);
		if (value > INT64_MAX)
			return false;
	}
	value <<= d->shift;

	for (const char *q = end; q > p; q--) {
		if (q[-1] == '.')
			continue;
		carry += (unsigned __int128)(q[-1] - '0') << d->shift;
		rest = rest || carry % 10 != 0;
		carry /= 10;
	}
	/* the zeroes between the point and the first digit */
	for (long i = d->point; i < 0 && carry > 0; i++) {
		rest = rest || carry % 10 != 0;
		carry /= 10;
	}
	value += carry + rest;
	if (value > INT64_MAX)
		return false;
	*ret = (int64_t)value;
	return true;
}

static int parse_scaled(const char *s, long scale, int64_t *ret, struct error *e)
{
	struct decimal d;
	int64_t value = 0;

	if (!parse_decimal(s, &d))
		return error_set(e, EINVAL, "\"%.64s\" is no quantity (such as 500m, 1.5 or 2Gi)",
				 s);
	d.point += scale;
	normalise(&d);
	if (d.text_len > 0) {
		if (d.negative)
			return error_set(e, ERANGE, "quantity \"%.64s\" is negative", s);
		if (!round_up(&d, &value))
			return error_set(e, ERANGE, "quantity \"%.64s\" is too large", s);
	}
	*ret = value;
	return 0;
}

int quantity_parse_milli(const char *s, int64_t *ret, struct error *e)
{
	return parse_scaled(s, 3, ret, e);
}

int quantity_parse(const char *s, int64_t *ret, struct error *e)
{
	return parse_scaled(s, 0, ret, e);
}
