/* SPDX-License-Identifier: Apache-2.0 */
/* What `weaver` has to say about itself, on stderr. */
#include <stdarg.h>
#include <stdio.h>

#include "tools/cmd.h"

static void complain_line(const char *fmt, va_list ap)
{
	char text[1400];

	vsnprintf(text, sizeof(text), fmt, ap);
	fflush(stdout);
	fprintf(stderr, "weaver: %s\n", text);
}

void complain_that(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_line(fmt, ap);
	va_end(ap);
}

int complain_usage(const struct cmd *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain_line(fmt, ap);
	va_end(ap);
	fprintf(stderr, "Usage: weaver %s %s%s\nTry: weaver %s --help\n", c->name,
		c->options ? "[OPTION…] " : "", c->usage, c->name);
	return CMD_EXIT_USAGE;
}

int complain_failed(const struct error *e)
{
	complain_that("%s", e->text);
	return CMD_EXIT_FAILED;
}
