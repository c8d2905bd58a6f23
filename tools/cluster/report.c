/* SPDX-License-Identifier: Apache-2.0 */
/* See report.h. */
#include "tools/cluster/report.h"

#include <stdarg.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/text.h"

#define REPORT_NAME_WIDTH 14

/* What the server says is not ours: nothing of it reaches the terminal as an escape. */
static void report_line(const struct report *r, const char *mark, const char *colour,
			const char *name, const char *fmt, va_list ap)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, out = BUF_INIT;

	buf_vprintf(&text, fmt, ap);
	buf_add_escaped(&out, buf_str(&text), text.len);
	printf("%s%s%s %-*s %s\n", colour, mark, text_plain(r->coloured && colour[0]),
	       REPORT_NAME_WIDTH, name, buf_str(&out));
}

void report_good(struct report *r, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_line(r, "✓", text_status_colour(r->coloured, "running"), name, fmt, ap);
	va_end(ap);
}

void report_skipped(struct report *r, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_line(r, "–", "", name, fmt, ap);
	va_end(ap);
}

void report_trouble(struct report *r, enum report_level level, enum trouble_id id, const char *fmt,
		    ...)
{
	_cleanup_(buf_done) struct buf cure = BUF_INIT;
	bool bad = level == REPORT_BAD;
	va_list ap;

	r->bad += bad;
	r->said[id] |= bad;
	r->warnings += !bad;
	va_start(ap, fmt);
	report_line(r, bad ? "✗" : "!", text_status_colour(r->coloured, bad ? "failed" : "pending"),
		    trouble_table[id].name, fmt, ap);
	va_end(ap);
	trouble_add_cure(id, r->namespace_, &cure);
	for (char *rest = cure.data, *line; rest && (line = strsep(&rest, "\n"));)
		printf("  %-*s %s\n", REPORT_NAME_WIDTH, "", line);
}
