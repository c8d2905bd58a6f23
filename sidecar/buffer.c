/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame is written by one pwritev at the end of the newest segment; when it fails the file is cut
 * back, and a reader that has seen a part of it has seen a sum that is wrong. A segment begins
 * where a batch does, so that dropping one never cuts a batch in two.
 */
#include "sidecar/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"

#define SEGMENT_MIN (64 << 10)
#define SEGMENT_MOST (8 << 20)
#define NEW_PART "new" /* a segment that has no head yet */
#define SEGMENTS 16    /* what max_bytes is divided into, where they are not the largest already */

struct part {
	struct segment_head head;
	int64_t size; /* of the file, head and frames */
};

struct buffer {
	char *dir;
	int dir_fd;
	int fd; /* the newest part; -1: none */
	int64_t max, part_size;
	struct part *parts; /* rising; owned */
	size_t count, room;
	uint64_t end, end_record;
	int64_t size;  /* of all parts */
	char *scratch; /* SEGMENT_FRAME_MAX, made when first needed */
	buffer_lines_fn *dropped;
	void *dropped_arg;
};

static struct part *newest(const struct buffer *b)
{
	return b->count > 0 ? &b->parts[b->count - 1] : NULL;
}

static int open_part(const struct buffer *b, uint64_t base, int flags)
{
	char name[SEGMENT_NAME_LEN + 1];

	segment_name(base, name);
	return openat(b->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void unlink_part(const struct buffer *b, uint64_t base)
{
	char name[SEGMENT_NAME_LEN + 1];

	segment_name(base, name);
	unlinkat(b->dir_fd, name, 0);
}

static int part_push(struct buffer *b, const struct segment_head *head, struct error *e)
{
	if (b->count == b->room) {
		size_t room = b->room ? b->room * 2 : 2 * SEGMENTS;
		struct part *parts = reallocarray(b->parts, room, sizeof(*parts));

		if (!parts)
			return error_oom(e);
		b->parts = parts;
		b->room = room;
	}
	b->parts[b->count++] = (struct part){ .head = *head, .size = (int64_t)sizeof(*head) };
	b->size += (int64_t)sizeof(*head);
	return 0;
}

static int scratch(struct buffer *b, struct error *e)
{
	if (!b->scratch)
		b->scratch = malloc(SEGMENT_FRAME_MAX);
	return b->scratch ? 0 : error_oom(e);
}

/*
 * Calls fn with each whole frame. *ret_size: where the whole ones end; records and bytes in them.
 */
static int walk(struct buffer *b, int fd, uint64_t base, buffer_lines_fn *fn, void *arg,
		int64_t *ret_size, uint64_t *ret_end, uint64_t *ret_records, struct error *e)
{
	struct segment_frame frame;
	int64_t at = (int64_t)sizeof(struct segment_head);
	uint64_t offset = base, records = 0;
	int r = scratch(b, e);

	if (r < 0)
		return r;
	while ((r = segment_read_frame(fd, at, offset, &frame, b->scratch)) > 0) {
		if (fn)
			fn(arg, b->scratch, frame.len);
		at += (int64_t)sizeof(frame) + frame.len;
		offset += frame.len;
		records += frame.records;
	}
	if (r < 0)
		return error_set(e, -r, "audit buffer %s: %s", b->dir, strerror(-r));
	*ret_size = at;
	*ret_end = offset;
	*ret_records = records;
	return 0;
}

static void drop_oldest(struct buffer *b)
{
	struct part *p = &b->parts[0];
	int64_t size;
	uint64_t end, records;

	if (b->dropped) {
		_cleanup_(cleanup_close) int fd = open_part(b, p->head.base, O_RDONLY);
		if (fd >= 0)
			walk(b, fd, p->head.base, b->dropped, b->dropped_arg, &size, &end, &records,
			     NULL);
	}
	unlink_part(b, p->head.base);
	b->size -= p->size;
	b->count--;
	memmove(b->parts, b->parts + 1, b->count * sizeof(*b->parts));
}

/* ---- opening ---- */

/* A file without a sound head has never held anything. */
static int load_part(struct buffer *b, uint64_t base, struct error *e)
{
	_cleanup_(cleanup_close) int fd = open_part(b, base, O_RDONLY);
	struct segment_head head;
	struct stat st;
	int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : segment_read_head(fd, base, &head);

	if (r < 0)
		return error_set(e, -r, "audit buffer %s: segment %llx: %s", b->dir,
				 (unsigned long long)base, strerror(-r));
	if (r == 0) {
		unlink_part(b, base);
		return 0;
	}
	r = part_push(b, &head, e);
	if (r < 0)
		return r;
	newest(b)->size = st.st_size;
	b->size += st.st_size - (int64_t)sizeof(head);
	return 0;
}

/* What was being written when the writer was killed is cut off. */
static int load_newest(struct buffer *b, buffer_lines_fn *last, void *arg, struct error *e)
{
	struct part *p = newest(b);
	int64_t size;
	uint64_t records;

	b->fd = open_part(b, p->head.base, O_RDWR);
	if (b->fd < 0)
		return error_set(e, errno, "audit buffer %s: %s", b->dir, strerror(errno));
	int r = walk(b, b->fd, p->head.base, last, arg, &size, &b->end, &records, e);
	if (r < 0)
		return r;
	if (ftruncate(b->fd, size) < 0)
		return error_set(e, errno, "audit buffer %s: %s", b->dir, strerror(errno));
	b->end_record = p->head.records + records;
	b->size += size - p->size;
	p->size = size;
	return 0;
}

static int load(struct buffer *b, buffer_lines_fn *last, void *arg, struct error *e)
{
	_cleanup_(cleanup_free) uint64_t *bases = NULL;
	size_t count;
	int r = segment_list(b->dir_fd, &bases, &count, e);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = load_part(b, bases[i], e);
	if (r < 0 || b->count == 0)
		return r;
	return load_newest(b, last, arg, e);
}

int buffer_open(const char *dir, int64_t max_bytes, buffer_lines_fn *last, void *arg,
		struct buffer **ret, struct error *e)
{
	struct buffer *b = calloc(1, sizeof(*b));

	if (!b)
		return error_oom(e);
	b->fd = b->dir_fd = -1;
	b->max = max_bytes;
	b->part_size = max_bytes / SEGMENTS;
	if (b->part_size < SEGMENT_MIN)
		b->part_size = SEGMENT_MIN;
	if (b->part_size > SEGMENT_MOST)
		b->part_size = SEGMENT_MOST;
	b->dir = strdup(dir);
	int r = b->dir ? 0 : error_oom(e);
	if (r == 0 && mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = error_set(e, errno, "audit buffer %s: %s", dir, strerror(errno));
	if (r == 0) {
		b->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (b->dir_fd < 0)
			r = error_set(e, errno, "audit buffer %s: %s", dir, strerror(errno));
	}
	if (r == 0)
		r = load(b, last, arg, e);
	if (r < 0)
		buffer_close(b);
	else
		*ret = b;
	return r;
}

void buffer_close(struct buffer *b)
{
	if (!b)
		return;
	cleanup_close(&b->fd);
	cleanup_close(&b->dir_fd);
	free(b->scratch);
	free(b->parts);
	free(b->dir);
	free(b);
}

void buffer_on_drop(struct buffer *b, buffer_lines_fn *dropped, void *arg)
{
	b->dropped = dropped;
	b->dropped_arg = arg;
}

const struct segment_head *buffer_head(const struct buffer *b)
{
	static const struct segment_head none;

	return b->count > 0 ? &newest(b)->head : &none;
}

/* ---- appending ---- */

static int write_whole(int fd, struct iovec *iov, int count, int64_t at)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	while (len > 0) {
		ssize_t n = pwritev(fd, iov, count, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		at += n;
		len -= (size_t)n;
		for (; count > 0 && (size_t)n >= iov->iov_len; iov++, count--)
			n -= (ssize_t)iov->iov_len;
		if (count > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Under its name with its head alone: for a reader, a later segment ends the one before it. */
static int begin_part(struct buffer *b, const struct buffer_lines *lines, struct error *e)
{
	struct segment_head head = {
		.magic = SEGMENT_MAGIC,
		.base = b->end,
		.records = b->end_record,
		.batch = lines->batch,
		.created_ns = clock_realtime_ns(),
	};
	struct iovec iov = { &head, sizeof(head) };
	char name[SEGMENT_NAME_LEN + 1];
	_cleanup_(cleanup_close) int fd =
		openat(b->dir_fd, NEW_PART, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0600);

	memcpy(head.hash, lines->hash, sizeof(head.hash));
	head.sum = segment_head_sum(&head);
	segment_name(b->end, name);
	int r = fd < 0 ? -errno : write_whole(fd, &iov, 1, 0);
	if (r == 0 && renameat(b->dir_fd, NEW_PART, b->dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(b->dir_fd, NEW_PART, 0);
		return error_set(e, -r, "audit buffer %s: %s", b->dir, strerror(-r));
	}
	r = part_push(b, &head, e);
	if (r < 0) {
		unlink_part(b, head.base);
		return r;
	}
	cleanup_close(&b->fd);
	b->fd = fd;
	fd = -1;
	return 0;
}

static int append_frame(struct buffer *b, const struct buffer_lines *lines, struct error *e)
{
	struct segment_frame frame = { .len = (uint32_t)lines->len, .records = lines->records };
	struct part *p = newest(b);
	struct iovec iov[] = { { &frame, sizeof(frame) },
			       { (void *)(uintptr_t)lines->lines, lines->len } };

	frame.sum = segment_frame_sum(&frame, b->end, lines->lines);
	int r = write_whole(b->fd, iov, 2, p->size);
	if (r < 0) {
		if (ftruncate(b->fd, p->size) < 0)
			r = -errno;
		return error_set(e, -r, "audit buffer %s: %s", b->dir, strerror(-r));
	}
	int64_t more = (int64_t)sizeof(frame) + frame.len;
	p->size += more;
	b->size += more;
	b->end += frame.len;
	b->end_record += frame.records;
	return 0;
}

static int append_once(struct buffer *b, const struct buffer_lines *lines, struct error *e)
{
	if (!newest(b) || (lines->begins_batch && newest(b)->size >= b->part_size)) {
		int r = begin_part(b, lines, e);
		if (r < 0)
			return r;
	}
	return append_frame(b, lines, e);
}

int buffer_append(struct buffer *b, const struct buffer_lines *lines, struct error *e)
{
	int64_t more =
		(int64_t)(sizeof(struct segment_head) + sizeof(struct segment_frame) + lines->len);

	if (lines->len > SEGMENT_FRAME_MAX || (int64_t)lines->len > b->max / 2)
		return error_set(e, EMSGSIZE, "audit buffer %s: %zu bytes at once", b->dir,
				 lines->len);
	while (b->count > 1 && b->size + more > b->max)
		drop_oldest(b);
	for (;;) {
		int r = append_once(b, lines, e);

		if ((r != -ENOSPC && r != -EDQUOT) || b->count <= 1)
			return r;
		drop_oldest(b);
	}
}

void buffer_state(const struct buffer *b, struct buffer_state *ret)
{
	*ret = (struct buffer_state){
		.oldest = b->count > 0 ? b->parts[0].head.base : b->end,
		.end = b->end,
		.oldest_record = b->count > 0 ? b->parts[0].head.records : b->end_record,
		.end_record = b->end_record,
		.size = b->size,
		.max = b->max,
		.oldest_ns = b->count > 0 ? b->parts[0].head.created_ns : 0,
	};
}
