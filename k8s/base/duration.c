/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units stand in one table, in falling order: the parser walks on through it, so that a unit which
 * comes twice or out of order is simply not found any more.
 */
#include "k8s/base/duration.h"

#include <errno.h>
#include <string.h>

#include "k8s/base/cleanup.h"

#define DAY_S 86400LL
#define MAX_S (10 * 365 * DAY_S)

static const struct {
	char unit;
	int64_t seconds;
} units[] = { { 'w', 7 * DAY_S }, { 'd', DAY_S }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

static bool at_end(const char *s)
{
	return *skip_blanks(s) == '\0';
}

/* The digits at *s; false when there are none. Beyond MAX_S it stays there. */
static bool parse_number(const char **s, int64_t *ret)
{
	const char *p = *s;
	int64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (*p - '0');
		if (n > MAX_S)
			n = MAX_S + 1;
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = n;
	return true;
}

/* Parts from *s to the end of the word; the sum stays at MAX_S + 1 once it is beyond. */
static int parse_parts(const char *s, int64_t *ret, struct error *e)
{
	int64_t total = 0;
	size_t next = 0; /* the largest unit that may still come */
	bool first = true;

	do {
		int64_t n;

		if (!parse_number(&s, &n))
			return error_set(e, EINVAL, "a number is missing before \"%.16s\"", s);
		if (first && at_end(s)) {
			total = n;
			break;
		}
		while (next < ARRAY_SIZE(units) && units[next].unit != *s)
			next++;
		if (next == ARRAY_SIZE(units))
			return error_set(
				e, EINVAL,
				"no unit at \"%.16s\" (w d h m s, each once, in this order)", s);
		total += n * units[next++].seconds;
		if (total > MAX_S)
			total = MAX_S + 1;
		s++;
		first = false;
	} while (!at_end(s));
	*ret = total;
	return 0;
}

int duration_parse(const char *s, struct duration *ret, struct error *e)
{
	const char *p = skip_blanks(s);
	char sign = *p == '+' || *p == '-' ? *p++ : '\0';
	int64_t total = 0;

	if (at_end(p))
		return error_set(e, EINVAL,
				 "duration: empty (examples: 3600, 90m, 1h30m, 2w, +1h)");

	int r = parse_parts(p, &total, e);

	if (r < 0)
		return error_wrap(e, r, "duration \"%.64s\"", s);
	if (total > MAX_S)
		return error_set(e, sign == '-' ? EINVAL : ERANGE,
				 "duration \"%.64s\": longer than 10 years", s);
	ret->seconds = sign == '-' ? -total : total;
	ret->relative = sign != '\0';
	return 0;
}
