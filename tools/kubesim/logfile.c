/* SPDX-License-Identifier: Apache-2.0 */
/* See logfile.h. */
#include "tools/kubesim/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"

#define LOGFILE_PARTIAL_MAX (16 * 1024)
#define LOGFILE_ROTATE (10 * 1024 * 1024)
#define LOGFILE_ROTATE_FOLLOWED (64 * 1024 * 1024)

struct logfile {
	int refs;
	int fd;
	bool tty, ended;
	off_t start; /* offset of the file's first byte: what was before it was rotated away */
	off_t size;
	int64_t last_stamp_ns;
	bool in_line;          /* the file's last line has no newline yet */
	struct buf partial[2]; /* unfinished line of stdout, stderr */
	int64_t partial_ns[2]; /* when its first byte came */
	struct list readers;
};

struct logfile *logfile_new(const char *path, bool tty, struct error *e)
{
	struct logfile *l = calloc(1, sizeof(*l));
	if (!l) {
		error_oom(e);
		return NULL;
	}
	l->refs = 1;
	l->tty = tty;
	list_init(&l->readers);
	l->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd >= 0)
		return l;
	error_set(e, errno, "%s: %s", path, strerror(errno));
	free(l);
	return NULL;
}

struct logfile *logfile_ref(struct logfile *l)
{
	l->refs++;
	return l;
}

void logfile_unref(struct logfile *l)
{
	if (!l || --l->refs > 0)
		return;
	close(l->fd);
	buf_done(&l->partial[0]);
	buf_done(&l->partial[1]);
	free(l);
}

static void line_stamp(struct logfile *l, int64_t ns, struct buf *out)
{
	char stamp[RFC3339_NANOS_LEN + 1];
	if (ns <= l->last_stamp_ns)
		ns = l->last_stamp_ns + 1;
	l->last_stamp_ns = ns;
	rfc3339_format_nanos(ns, stamp);
	buf_add_str(out, stamp);
	buf_add_char(out, ' ');
}

/* Moves the unfinished line to out; newline: it is finished. */
static void line_flush(struct logfile *l, int stream, bool newline, struct buf *out)
{
	struct buf *p = &l->partial[stream];
	size_t n = p->len;
	if (newline && l->tty && n && p->data[n - 1] == '\r')
		n--;
	if (!l->in_line)
		line_stamp(l, p->len ? l->partial_ns[stream] : clock_realtime_ns(), out);
	buf_add(out, buf_str(p), n);
	if (newline)
		buf_add_char(out, '\n');
	l->in_line = !newline;
	buf_reset(p);
}

static void file_write(struct logfile *l, const struct buf *out)
{
	size_t at = 0;
	while (at < out->len) {
		ssize_t n = write(l->fd, out->data + at, out->len - at);
		if (n <= 0)
			return; /* a full disk loses log lines, as it does on a node */
		at += (size_t)n;
		l->size += n;
	}
}

/* While somebody follows, only when it gets too much: who keeps up shall lose nothing. */
static void file_rotate(struct logfile *l)
{
	off_t most = list_empty(&l->readers) ? LOGFILE_ROTATE : LOGFILE_ROTATE_FOLLOWED;
	if (!l->in_line && l->size - l->start > most && ftruncate(l->fd, 0) == 0)
		l->start = l->size;
}

static void readers_wake(struct logfile *l)
{
	list_for_each(reader, &l->readers, struct logfile_reader, all)
		reader->grown(reader);
}

void logfile_append(struct logfile *l, int stream, const char *data, size_t len)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct buf *p = &l->partial[stream];
	while (len) {
		const char *newline = memchr(data, '\n', len);
		size_t n = newline ? (size_t)(newline - data) : len;
		if (p->len == 0)
			l->partial_ns[stream] = clock_realtime_ns();
		buf_add(p, data, n);
		if (newline)
			line_flush(l, stream, true, &out);
		else if (p->len > LOGFILE_PARTIAL_MAX)
			line_flush(l, stream, false, &out);
		data += n + (newline ? 1 : 0);
		len -= n + (newline ? 1 : 0);
	}
	if (out.len == 0)
		return;
	file_write(l, &out);
	readers_wake(l);
	file_rotate(l);
}

void logfile_end(struct logfile *l)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	for (int stream = 0; stream < 2; stream++)
		if (l->partial[stream].len)
			line_flush(l, stream, false, &out);
	file_write(l, &out);
	l->ended = true;
	readers_wake(l);
}

bool logfile_ended(const struct logfile *l)
{
	return l->ended;
}

off_t logfile_start(const struct logfile *l)
{
	return l->start;
}

off_t logfile_size(const struct logfile *l)
{
	return l->size;
}

ssize_t logfile_read(const struct logfile *l, off_t offset, char *out, size_t size)
{
	return pread(l->fd, out, size, offset - l->start);
}

void logfile_follow(struct logfile *l, struct logfile_reader *reader)
{
	list_push_back(&l->readers, &reader->all);
}
