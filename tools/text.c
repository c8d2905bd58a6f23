/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */
#include "tools/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

bool text_coloured(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

const char *text_status_colour(bool coloured, const char *status)
{
	static const struct {
		const char *status, *colour;
	} colours[] = {
		{ "running", "\033[32m" },   { "pending", "\033[33m" },
		{ "failed", "\033[31m" },    { "terminating", "\033[35m" },
		{ "succeeded", "\033[36m" },
	};

	for (size_t i = 0; coloured && i < ARRAY_SIZE(colours); i++)
		if (strcmp(colours[i].status, status) == 0)
			return colours[i].colour;
	return "";
}

const char *text_bold(bool coloured)
{
	return coloured ? "\033[1m" : "";
}

const char *text_plain(bool coloured)
{
	return coloured ? "\033[0m" : "";
}

void text_duration(int64_t s, char ret[TEXT_MAX])
{
	int64_t d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;

	if (s < 0)
		snprintf(ret, TEXT_MAX, "-");
	else if (d > 0)
		snprintf(ret, TEXT_MAX, "%" PRId64 "d%" PRId64 "h", d, h);
	else if (h > 0)
		snprintf(ret, TEXT_MAX, "%" PRId64 "h%" PRId64 "m", h, m);
	else if (m > 0)
		snprintf(ret, TEXT_MAX, "%" PRId64 "m%" PRId64 "s", m, s % 60);
	else
		snprintf(ret, TEXT_MAX, "%" PRId64 "s", s);
}

void text_bytes(int64_t bytes, char ret[TEXT_MAX])
{
	static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi" };
	double n = (double)bytes;
	size_t unit = 0;

	for (; n >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		n /= 1024;
	snprintf(ret, TEXT_MAX, n < 10 && unit > 0 ? "%.1f%s" : "%.0f%s", n, units[unit]);
}

const char *text_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}
