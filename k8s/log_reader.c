/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are gathered and handed over once a feed: a busy container prints thousands between two
 * reads of the socket. The position moves with every whole line, so that whatever was handed over
 * is never handed over again, wherever a request ends.
 */
#include "k8s/log_reader.h"

#include <errno.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/rfc3339.h"

#define STAMP_MAX 48 /* the longest has 35 characters */

void log_reader_init(struct log_reader *r, const struct log_position *from)
{
	*r = (struct log_reader){ .pos = *from };
}

void log_reader_done(struct log_reader *r)
{
	buf_done(&r->pending);
	buf_done(&r->out);
	buf_done(&r->aside);
}

void log_reader_begin(struct log_reader *r)
{
	if (r->pending.len > 0) {
		struct buf empty = r->aside;
		r->aside = r->pending;
		r->pending = empty;
		r->aside_pos = r->pos;
	}
	buf_reset(&r->pending);
	buf_reset(&r->out);
	r->anchored = r->pos.last_ns == 0 && r->pos.part == 0;
	r->brief = false;
	r->passing = false;
	r->skip = 0;
	r->seen = 0;
	r->fresh = r->stale = 0;
	r->note[0] = '\0';
}

static int flush(struct log_reader *r, struct error *e)
{
	if (buf_error(&r->out) < 0)
		return error_oom(e);
	if (r->out.len == 0)
		return 0;
	int result = r->lines(r->data, r->out.data, r->out.len, &r->pos);
	buf_reset(&r->out);
	return result < 0 ? result : 0;
}

/* The rest of a line handed over in part can be read no more: what follows is another line. */
static int break_part(struct log_reader *r, struct error *e)
{
	buf_add_char(&r->out, '\n');
	r->pos.part = 0;
	return flush(r, e);
}

/* Is a line with this stamp new? Finds the anchor, and tells of a gap where it is missing. */
static int decide(struct log_reader *r, int64_t ns, bool *ret_new, struct error *e)
{
	*ret_new = false;
	r->stale++;
	if (!r->anchored && ns < r->pos.last_ns)
		return 0;
	if (!r->anchored && ns == r->pos.last_ns && r->seen < r->pos.same) {
		r->seen++;
		r->anchored = r->seen == r->pos.same;
		return 0;
	}
	*ret_new = true;
	r->stale--;
	bool resumed = r->pos.part > 0 && ns == r->pos.part_ns;
	int64_t from_ns = r->pos.part > 0 ? r->pos.part_ns : r->pos.last_ns;
	int result = 0;

	if (r->brief && !r->anchored && !resumed)
		return error_set(e, EAGAIN, "the position is not among the newest lines");
	r->skip = resumed ? r->pos.part : 0;
	if (r->pos.part > 0 && !resumed)
		result = break_part(r, e);
	if (!r->anchored && !resumed && result == 0)
		result = flush(r, e);
	if (!r->anchored && !resumed && result == 0 && r->gap && ns > from_ns)
		r->gap(r->data, from_ns, ns);
	r->anchored = true;
	return result;
}

/* A new line is whole: reading stands behind it. */
static void advance(struct log_reader *r, int64_t ns)
{
	r->fresh++;
	r->skip = r->pos.part = 0;
	if (ns > r->pos.last_ns) {
		r->pos.last_ns = ns;
		r->pos.same = 1;
	} else if (ns == r->pos.last_ns) {
		r->pos.same++;
	}
	/* a stamp that goes back (a clock was set) moves nothing: again is better than never */
}

/* Text of a new line, but for what an earlier request brought of it. */
static void add_text(struct log_reader *r, int64_t ns, const char *text, size_t len)
{
	size_t again = r->skip < len ? (size_t)r->skip : len;

	r->skip -= again;
	buf_add(&r->out, text + again, len - again);
	r->pos.part_ns = ns;
	r->pos.part += len - again;
}

/* Splits "stamp text". Returns the text, or NULL where no stamp is (yet). */
static const char *split_stamp(const char *line, size_t len, int64_t *ret_ns)
{
	const char *blank = memchr(line, ' ', len < STAMP_MAX ? len : STAMP_MAX);

	if (!blank || rfc3339_parse(line, (size_t)(blank - line), ret_ns, NULL) < 0)
		return NULL;
	return blank + 1;
}

/*
 * Text without a stamp is no line of the container: the kubelet complains inside a 200
 * (pkg/kubelet, GetContainerLogs; cri-client, logs), or it has begun in the middle of a long line,
 * whose pieces it compares with sinceTime one by one. That was handed over before.
 */
static void take_note(struct log_reader *r, const char *text, size_t len)
{
	static const char *const complaints[] = { "unable to retrieve container logs",
						  "failed to " };
	bool complains = false;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++)
		complains |= len > strlen(complaints[i]) &&
			     memcmp(text, complaints[i], strlen(complaints[i])) == 0;
	if (!complains)
		return;
	while (n < len && n < sizeof(r->note) - 1 && text[n] >= ' ' && text[n] <= '~')
		n++;
	memcpy(r->note, text, n);
	r->note[n] = '\0';
}

/* One line with whatever end it has; whole: nothing more belongs to it. */
static int take_line(struct log_reader *r, const char *line, size_t len, bool whole,
		     struct error *e)
{
	int64_t ns = 0;
	bool is_new;
	const char *text = split_stamp(line, len, &ns);

	if (!text) {
		take_note(r, line, len);
		return 0;
	}
	int result = decide(r, ns, &is_new, e);
	if (result < 0)
		return result;
	if (is_new)
		add_text(r, ns, text, len - (size_t)(text - line));
	if (is_new && whole)
		advance(r, ns);
	r->passing = !whole;
	r->passing_new = is_new;
	r->passing_ns = ns;
	return 0;
}

/* The middle or end of a line that was too long to wait for. Returns how much belonged to it. */
static size_t pass_on(struct log_reader *r, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t n = newline ? (size_t)(newline - bytes) + 1 : len;

	if (r->passing_new)
		add_text(r, r->passing_ns, bytes, n);
	if (newline && r->passing_new)
		advance(r, r->passing_ns);
	r->passing = !newline;
	return n;
}

/* Takes the lines of pending; returns how many bytes they were, or an error. */
static int take_pending(struct log_reader *r, size_t *ret_used, struct error *e)
{
	const char *p = r->pending.data, *end = p + r->pending.len;
	int result = 0;

	while (p < end && result == 0) {
		if (r->passing) {
			p += pass_on(r, p, (size_t)(end - p));
			continue;
		}
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		bool too_long = !newline && end - p > LOG_READER_LINE_MAX;
		if (!newline && !too_long)
			break;
		const char *stop = newline ? newline + 1 : end;
		result = take_line(r, p, (size_t)(stop - p), !too_long, e);
		p = stop;
	}
	*ret_used = (size_t)(p - r->pending.data);
	return result;
}

int log_reader_feed(struct log_reader *r, const char *bytes, size_t len, struct error *e)
{
	size_t used = 0;

	if (len == 0)
		return 0;
	buf_add(&r->pending, bytes, len);
	if (buf_error(&r->pending) < 0)
		return error_oom(e);
	int result = take_pending(r, &used, e);
	buf_drop_front(&r->pending, used);
	return result < 0 ? result : flush(r, e);
}

static bool is_at(const struct log_reader *r, const struct log_position *pos)
{
	return r->pos.last_ns == pos->last_ns && r->pos.same == pos->same &&
	       r->pos.part == pos->part;
}

int log_reader_finish(struct log_reader *r, struct error *e)
{
	if (r->passing && r->passing_new)
		advance(r, r->passing_ns);
	r->passing = false;
	struct buf *line = &r->pending;
	if (line->len == 0 && is_at(r, &r->aside_pos)) {
		line = &r->aside;
		r->anchored = true; /* it came right behind the position */
	}
	if (line->len == 0)
		return 0;
	int result = take_line(r, line->data, line->len, true, e);
	buf_reset(line);
	return result < 0 ? result : flush(r, e);
}
