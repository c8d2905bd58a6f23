/* SPDX-License-Identifier: Apache-2.0 */
/* See top_screen.h. */
#include "tools/top_screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "tools/text.h"

#define TOP_HEAD 2 /* lines above the rows */
#define TOP_FOOT 1

static const char top_screen_keys[] =
	"q quit  ↑↓ choose  Enter shell  l logs  i describe  x remove  / find  sort: n s t c m e, r reverse";

static void top_screen_forget(struct top_screen *s)
{
	for (int i = 0; i < s->before_n; i++)
		free(s->before[i]);
	free(s->before);
	s->before = NULL;
	s->before_n = 0;
}

void top_screen_enter(struct top_screen *s)
{
	struct winsize size = { 0 };

	top_screen_forget(s);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	s->rows = size.ws_row;
	s->cols = size.ws_col;
	s->before = calloc(s->rows, sizeof(*s->before));
	s->before_n = s->before ? s->rows : 0;
	fputs("\033[?1049h\033[?25l\033[H\033[2J", stdout);
	fflush(stdout);
}

void top_screen_leave(struct top_screen *s)
{
	top_screen_forget(s);
	fputs("\033[0m\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

/* ---- a line ---- */

/* Cut to the columns: a character of UTF-8 counts one, an escape sequence none. */
static void top_screen_cut(const char *line, int cols, struct buf *out)
{
	for (const char *p = line; *p; p++) {
		if (*p == '\033') {
			size_t len = strcspn(p, "m") + 1;
			buf_add(out, p, len);
			p += len - 1;
			continue;
		}
		bool begins = ((unsigned char)*p & 0xc0) != 0x80;
		if (begins && cols-- <= 0)
			break;
		buf_add_char(out, *p);
	}
}

static void top_screen_line(struct top_screen *s, int row, const char *text)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	top_screen_cut(text, s->cols, &line);
	if (row >= s->before_n || (s->before[row] && strcmp(s->before[row], buf_str(&line)) == 0))
		return;
	printf("\033[%d;1H%s\033[0m\033[K", row + 1, buf_str(&line));
	free(s->before[row]);
	s->before[row] = buf_steal(&line);
}

static void top_screen_cells(const struct top_row *t, int64_t now_s, struct buf *out, bool coloured)
{
	char ttl[TEXT_MAX], age[TEXT_MAX], cpu[TEXT_MAX] = "-", memory[TEXT_MAX] = "-",
					   events[TEXT_MAX] = "-";
	const struct row *row = &t->row;

	text_duration(row->archived || !row->expires_s ? -1 : row->expires_s - now_s, ttl);
	text_duration(row->created_s ? now_s - row->created_s : -1, age);
	if (t->usage.cpu_milli >= 0)
		snprintf(cpu, sizeof(cpu), "%" PRId64 "m", t->usage.cpu_milli);
	if (t->usage.memory >= 0)
		text_bytes(t->usage.memory, memory);
	if (t->events_per_s >= 0)
		snprintf(events, sizeof(events), "%.1f", t->events_per_s);
	buf_printf(out, "%-28.28s %s%-11s%s %8s %8s %7s %7s %7s  %s", row->name,
		   text_status_colour(coloured, row->status), row->status,
		   coloured ? "\033[39m" : "", ttl, age, cpu, memory, events,
		   row->reason[0] ? row->reason : row->image);
}

static void top_screen_head(struct buf *out)
{
	buf_printf(out, "%-28s %-11s %8s %8s %7s %7s %7s  %s", "NAME", "STATUS", "TTL", "AGE",
		   "CPU", "MEMORY", "EVENT/S", "REASON, IMAGE");
}

static void top_screen_summary(const struct top_model *m, struct buf *out)
{
	static const char *const words[] = { "running", "pending", "failed", "succeeded",
					     "terminating" };
	time_t now_s = time(NULL);
	char clock[16];
	struct tm tm;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now_s, &tm));
	buf_printf(out, "%s  %s: %zu weavers", clock, m->mount, m->n);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = 0;
		for (size_t k = 0; k < m->n; k++)
			n += strcmp(m->all[k].row.status, words[i]) == 0;
		if (n > 0)
			buf_printf(out, ", %zu %s", n, words[i]);
	}
	if (m->filter[0])
		buf_printf(out, "; only *%s*", m->filter);
}

/* ---- a frame ---- */

static void top_screen_row(struct top_screen *s, struct top_model *m, size_t i, int line)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	const struct top_row *row = top_model_shown(m, i);

	if (row && strcmp(row->row.name, m->chosen) == 0)
		buf_add_str(&out, "\033[7m");
	if (row)
		top_screen_cells(row, time(NULL), &out, s->coloured);
	top_screen_line(s, line, buf_str(&out));
}

void top_screen_draw(struct top_screen *s, struct top_model *m, const struct top_note *note)
{
	_cleanup_(buf_done) struct buf summary = BUF_INIT, head = BUF_INIT, foot = BUF_INIT;
	int room = s->rows > TOP_HEAD + TOP_FOOT ? s->rows - TOP_HEAD - TOP_FOOT : 1;
	size_t chosen = top_model_chosen(m), n = top_model_count(m);

	if (chosen < s->first)
		s->first = chosen;
	if (chosen >= s->first + (size_t)room)
		s->first = chosen - (size_t)room + 1;
	/* no empty lines while there are rows above: it has grown, or rows have gone */
	if (s->first + (size_t)room > n)
		s->first = n > (size_t)room ? n - (size_t)room : 0;
	top_screen_summary(m, &summary);
	top_screen_line(s, 0, buf_str(&summary));
	buf_add_str(&head, s->coloured ? "\033[1m" : "");
	top_screen_head(&head);
	top_screen_line(s, 1, buf_str(&head));
	for (int i = 0; i < room; i++)
		top_screen_row(s, m, s->first + (size_t)i, TOP_HEAD + i);
	bool well = strcmp(note->health, "ok") == 0;
	buf_printf(&foot, "%s%s", s->coloured ? (well ? "\033[2m" : "\033[31m") : "",
		   note->prompt[0] ? note->prompt
		   : well          ? top_screen_keys
				   : note->health);
	top_screen_line(s, s->rows - 1, buf_str(&foot));
	fflush(stdout);
}

void top_screen_print(struct top_model *m)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	const struct top_row *row;

	top_screen_head(&out);
	buf_add_char(&out, '\n');
	for (size_t i = 0; (row = top_model_shown(m, i)); i++) {
		top_screen_cells(row, time(NULL), &out, false);
		buf_add_char(&out, '\n');
	}
	fputs(buf_str(&out), stdout);
}
