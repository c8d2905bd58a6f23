/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader takes the lock to learn the bounds and reads without it. It looks at the bounds again
 * afterwards: the bytes were good if they still count, since giving up comes before overwriting.
 *
 * All readers of a file share its st_size, so they share the view: offset 0 is what it was when the
 * first of them came. A reader leaves it when it comes upon bytes that are gone: the gap line takes
 * their place for it alone, and what follows moves up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/logs/spool_private.h"

struct spool_reader {
	struct spool *spool; /* a reference */
	/* The rest: under spool->lock. */
	struct spool_view view;
	off_t next; /* where reading on would go on */
	char last;  /* the byte before next */
};

static size_t gap_line(struct spool_view *v, bool at_line)
{
	uint64_t from = (uint64_t)v->from, to = (uint64_t)v->resume;
	size_t n = 0;

	if (!at_line)
		v->gap[n++] = '\n';
	if (v->kind == SPOOL_AUDIT)
		return n + lost_line_print(v->gap + n, "bound", 0, from, &to);
	return n + (size_t)snprintf(v->gap + n, sizeof(v->gap) - n,
				    "[weaverfs: gap byte %" PRIu64 " .. byte %" PRIu64 "]\n", from,
				    to);
}

void spool_reader_cut(struct spool_view *v, off_t at, off_t from, off_t to, bool at_line)
{
	v->gap_at = at;
	v->from = from;
	v->resume = to;
	v->gap_len = from < to ? gap_line(v, at_line) : 0;
}

int spool_reader_new(struct spool *s, struct spool_reader **ret)
{
	struct spool_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->spool = spool_ref(s);
	r->last = '\n';
	lock_guard(&s->lock);
	s->readers++;
	r->view = s->view;
	*ret = r;
	return 0;
}

off_t spool_reader_size(const struct spool_reader *r)
{
	return spool_size(r->spool);
}

void spool_reader_free(struct spool_reader *r)
{
	if (!r)
		return;
	struct spool *s = r->spool;
	{
		lock_guard(&s->lock);
		if (--s->readers == 0)
			spool_reader_cut(&s->view, 0, 0, s->start, true);
	}
	spool_unref(s);
	free(r);
}

static size_t fill(char *to, size_t len, off_t n)
{
	if (n < (off_t)len)
		len = (size_t)n;
	memset(to, '\n', len);
	return len;
}

/*
 * What stands at offset: copied into to (gap line, or empty lines for what is gone for good), or
 * the byte number in *ret_at, else -1. Returns the length, 0 at the end. Called with the lock.
 */
static size_t locate_locked(struct spool_reader *r, char *to, size_t len, off_t offset,
			    off_t *ret_at)
{
	struct spool *s = r->spool;
	struct spool_view *v = &r->view;

	*ret_at = -1;
	/* Before the first byte of its gap line a reader may still learn of a longer gap. */
	if (offset == v->gap_at && v->resume < s->start)
		spool_reader_cut(v, offset, v->from, s->start, r->last == '\n');
	if (offset < v->gap_at)
		return fill(to, len, v->gap_at - offset);

	off_t at = v->resume + offset - v->gap_at - (off_t)v->gap_len;

	if (at >= v->resume && at < s->start) {
		/* Overtaken while reading on; who jumps around keeps his offsets. */
		if (offset != r->next)
			return fill(to, len, s->start - at);
		spool_reader_cut(v, offset, at, s->start, r->last == '\n');
		at = v->resume - (off_t)v->gap_len;
	}
	if (at < v->resume) {
		size_t skip = (size_t)(offset - v->gap_at);

		if (len > v->gap_len - skip)
			len = v->gap_len - skip;
		memcpy(to, v->gap + skip, len);
		return len;
	}
	if (at >= s->end)
		return 0;
	*ret_at = at;
	if ((off_t)len > s->end - at)
		len = (size_t)(s->end - at);
	off_t room = s->cap - at % s->cap;
	return (off_t)len > room ? (size_t)room : len;
}

/* One piece: a reader is overtaken again at most as often as a quarter of the ring is written. */
static ssize_t read_piece(struct spool_reader *r, char *to, size_t len, off_t offset)
{
	struct spool *s = r->spool;

	for (;;) {
		off_t at;
		size_t n;
		{
			lock_guard(&s->lock);
			n = locate_locked(r, to, len, offset, &at);
		}
		if (at >= 0) {
			ssize_t got = pread(s->fd, to, n, at % s->cap);

			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return -errno;
			if (got == 0)
				return -EIO; /* somebody has cut the file */
			n = (size_t)got;
		}
		lock_guard(&s->lock);
		if (at >= 0 && at < s->start)
			continue;
		if (n > 0) {
			r->next = offset + (off_t)n;
			r->last = to[n - 1];
		}
		return (ssize_t)n;
	}
}

ssize_t spool_reader_read(struct spool_reader *r, char *to, size_t len, off_t offset)
{
	size_t done = 0;

	if (offset < 0)
		return -EINVAL;
	while (done < len) {
		ssize_t n = read_piece(r, to + done, len - done, offset + (off_t)done);

		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
