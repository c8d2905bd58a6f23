/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing walks over the stamp with a cursor that never passes its end. The calendar is our own:
 * timegm() and gmtime_r() count leap seconds when $TZ is one of the "right/" zones. Here a leap
 * second is the second before it, as POSIX time has no place for it.
 */
#include "k8s/base/rfc3339.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "k8s/base/clock.h"

#define DAY_S INT64_C(86400)
#define END_S INT64_C(9214646400)         /* 2262-01-01T00:00:00Z: int64_t ns end that year */
#define YEAR_9999_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z, the last with four digits */

struct fields {
	int year, month, day, hour, minute, second;
};

struct cursor {
	const char *p;
	const char *end;
};

static bool is_digit(const struct cursor *c)
{
	return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

/* Exactly `digits` digits with a value within low..high. */
static bool take_number(struct cursor *c, int digits, int low, int high, int *ret)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		if (!is_digit(c))
			return false;
		n = n * 10 + (*c->p++ - '0');
	}
	*ret = n;
	return n >= low && n <= high;
}

/* One of the two characters; which of them goes to *ret. */
static bool take_char(struct cursor *c, const char either[2], char *ret)
{
	if (c->p == c->end || (*c->p != either[0] && *c->p != either[1]))
		return false;
	*ret = *c->p++;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/*
 * Days since 1970-01-01. Years begin in March here, so that a leap day is the last of its year; the
 * days before a month are then a straight line, rounded down.
 */
static int64_t days_of(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1;
	int m = month > 2 ? month - 3 : month + 9;

	/* 719468 days lie between 0000-03-01 and the epoch; year 0 in January is year -1 here */
	return 365 * y + (y < 0 ? -1 : y / 4 - y / 100 + y / 400) + (153 * m + 2) / 5 + day - 1 -
	       719468;
}

static void fields_of(int64_t seconds, struct fields *f)
{
	int64_t days = seconds / DAY_S;
	int rest = (int)(seconds % DAY_S);
	int year = 1970 + (int)(days / 366); /* never too late */
	int month = 1;

	while (days_of(year + 1, 1, 1) <= days)
		year++;
	while (month < 12 && days_of(year, month + 1, 1) <= days)
		month++;
	*f = (struct fields){
		.year = year,
		.month = month,
		.day = 1 + (int)(days - days_of(year, month, 1)),
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
	};
}

static bool take_date(struct cursor *c, struct fields *f)
{
	char dash;

	return take_number(c, 4, 0, 9999, &f->year) && take_char(c, "--", &dash) &&
	       take_number(c, 2, 1, 12, &f->month) && take_char(c, "--", &dash) &&
	       take_number(c, 2, 1, days_in_month(f->year, f->month), &f->day);
}

static bool take_time(struct cursor *c, struct fields *f)
{
	char colon;

	if (!take_number(c, 2, 0, 23, &f->hour) || !take_char(c, "::", &colon) ||
	    !take_number(c, 2, 0, 59, &f->minute) || !take_char(c, "::", &colon) ||
	    !take_number(c, 2, 0, 60, &f->second))
		return false;
	if (f->second == 60)
		f->second = 59;
	return true;
}

/* An optional fraction, in nanoseconds; digits beyond the ninth are cut. */
static bool take_fraction(struct cursor *c, int64_t *ret_ns)
{
	int64_t unit = CLOCK_NS_PER_S / 10;

	*ret_ns = 0;
	if (c->p == c->end || *c->p != '.')
		return true;
	c->p++;
	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->p++, unit /= 10)
		*ret_ns += unit * (*c->p - '0');
	return true;
}

/* Z or ±HH:MM, in seconds east of UTC. */
static bool take_offset(struct cursor *c, int64_t *ret_s)
{
	int hours, minutes;
	char sign, colon;

	*ret_s = 0;
	if (take_char(c, "Zz", &sign))
		return true;
	if (!take_char(c, "+-", &sign) || !take_number(c, 2, 0, 23, &hours) ||
	    !take_char(c, "::", &colon) || !take_number(c, 2, 0, 59, &minutes))
		return false;
	*ret_s = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return true;
}

int rfc3339_parse(const char *s, size_t len, int64_t *ret_ns, struct error *e)
{
	struct cursor c = { s, s + len };
	int shown = len < 64 ? (int)len : 64;
	struct fields f;
	int64_t ns, offset;
	char t;

	if (!take_date(&c, &f) || !take_char(&c, "Tt", &t) || !take_time(&c, &f) ||
	    !take_fraction(&c, &ns) || !take_offset(&c, &offset) || c.p != c.end)
		return error_set(e, EINVAL, "\"%.*s\" is no RFC 3339 time", shown, s);

	int64_t seconds = days_of(f.year, f.month, f.day) * DAY_S + f.hour * 3600 + f.minute * 60 +
			  f.second - offset;

	if (seconds < 0 || seconds >= END_S)
		return error_set(e, EINVAL, "time \"%.*s\" is not within 1970-2261", shown, s);
	*ret_ns = seconds * CLOCK_NS_PER_S + ns;
	return 0;
}

int rfc3339_parse_seconds(const char *s, int64_t *ret_s, struct error *e)
{
	int64_t ns;
	int r = rfc3339_parse(s, strlen(s), &ns, e);

	if (r == 0)
		*ret_s = ns / CLOCK_NS_PER_S;
	return r;
}

static char *put_number(char *out, int64_t n, int digits, char after)
{
	for (int i = digits - 1; i >= 0; i--, n /= 10)
		out[i] = (char)('0' + n % 10);
	out[digits] = after;
	return out + digits + 1;
}

/* Up to and with the seconds; what is outside 1970–9999 becomes the nearest time inside. */
static char *put_seconds(char *out, int64_t seconds, char after)
{
	struct fields f;

	fields_of(seconds < 0 ? 0 : seconds > YEAR_9999_S ? YEAR_9999_S : seconds, &f);
	out = put_number(out, f.year, 4, '-');
	out = put_number(out, f.month, 2, '-');
	out = put_number(out, f.day, 2, 'T');
	out = put_number(out, f.hour, 2, ':');
	out = put_number(out, f.minute, 2, ':');
	return put_number(out, f.second, 2, after);
}

void rfc3339_format(int64_t seconds, char out[RFC3339_SECONDS_LEN + 1])
{
	*put_seconds(out, seconds, 'Z') = '\0';
}

void rfc3339_format_nanos(int64_t ns, char out[RFC3339_NANOS_LEN + 1])
{
	if (ns < 0)
		ns = 0;
	out = put_seconds(out, ns / CLOCK_NS_PER_S, '.');
	*put_number(out, ns % CLOCK_NS_PER_S, 9, 'Z') = '\0';
}
