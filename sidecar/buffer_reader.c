/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader goes from segment to segment by name: the next one is named by the byte at which this
 * one ends. A segment that it has open it can read to its end even when the writer drops it. Which
 * of "not written yet" and "dropped" holds is seen from what else is in the directory.
 */
#include "sidecar/buffer_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct buffer_reader {
	char *dir;
	int dir_fd;
	int fd;           /* the segment in hand; -1: none */
	uint64_t base;    /* of that segment */
	int64_t at;       /* position in the file of the next frame */
	uint64_t offset;  /* of the next frame */
	uint64_t records; /* lines before it */
	uint64_t place;   /* within or before the next frame */
	char *scratch;    /* SEGMENT_FRAME_MAX */
};

int buffer_reader_open(const char *dir, uint64_t after, struct buffer_reader **ret, struct error *e)
{
	struct buffer_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error_oom(e);
	r->fd = -1;
	r->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->dir = strdup(dir);
	r->scratch = malloc(SEGMENT_FRAME_MAX);
	r->place = after;
	int res = 0;
	if (r->dir_fd < 0)
		res = error_set(e, errno, "audit buffer %s: %s", dir, strerror(errno));
	else if (!r->dir || !r->scratch)
		res = error_oom(e);
	else if (after == BUFFER_READER_OLDEST) {
		r->place = 0;
		res = buffer_reader_skip(r, &r->place, e);
	}
	if (res < 0)
		buffer_reader_close(r);
	else
		*ret = r;
	return res;
}

void buffer_reader_close(struct buffer_reader *r)
{
	if (!r)
		return;
	cleanup_close(&r->fd);
	cleanup_close(&r->dir_fd);
	free(r->scratch);
	free(r->dir);
	free(r);
}

static void let_go(struct buffer_reader *r)
{
	cleanup_close(&r->fd);
	r->fd = -1;
}

void buffer_reader_seek(struct buffer_reader *r, uint64_t place)
{
	if (place < r->offset)
		let_go(r);
	r->place = place;
}

uint64_t buffer_reader_place(const struct buffer_reader *r)
{
	return r->place;
}

/* 1: the segment is in hand; 0: there is none of that name, or its head is not written yet. */
static int take_segment(struct buffer_reader *r, uint64_t base, struct error *e)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct segment_head head;

	segment_name(base, name);
	_cleanup_(cleanup_close) int fd =
		openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int n = fd >= 0 ? segment_read_head(fd, base, &head) : errno == ENOENT ? 0 : -errno;

	if (n < 0)
		return error_set(e, -n, "audit buffer %s: %s: %s", r->dir, name, strerror(-n));
	if (n == 0)
		return 0;
	cleanup_close(&r->fd);
	r->fd = fd;
	fd = -1;
	r->at = (int64_t)sizeof(head);
	r->base = r->offset = base;
	r->records = head.records;
	return 1;
}

/*
 * With no segment in hand: takes the one that holds the place. 0: not written yet; -ESTALE: what is
 * there begins behind it.
 */
static int find_segment(struct buffer_reader *r, struct error *e)
{
	_cleanup_(cleanup_free) uint64_t *bases = NULL;
	size_t count, i = 0;
	int n = segment_list(r->dir_fd, &bases, &count, e);

	if (n < 0)
		return n;
	while (i < count && bases[i] <= r->place)
		i++;
	if (i > 0) {
		n = take_segment(r, bases[i - 1], e);
		if (n != 0)
			return n;
	}
	if (count == 0 || i == count)
		return 0;
	return error_set(e, ESTALE, "audit buffer %s: byte %llu is gone, the oldest is %llu",
			 r->dir, (unsigned long long)r->place, (unsigned long long)bases[i]);
}

/*
 * Whether the segment in hand is the newest, so that a frame which is not whole is still to come.
 */
static int is_newest(struct buffer_reader *r, struct error *e)
{
	_cleanup_(cleanup_free) uint64_t *bases = NULL;
	size_t count;
	int n = segment_list(r->dir_fd, &bases, &count, e);

	return n < 0 ? n : count == 0 || bases[count - 1] <= r->base;
}

static uint32_t count_lines(const char *lines, size_t len)
{
	uint32_t n = 0;

	for (const char *p = lines, *end = lines + len; (p = memchr(p, '\n', (size_t)(end - p)));
	     p++)
		n++;
	return n;
}

/* What of the frame in scratch is at or behind the place; false: nothing. */
static bool cut_chunk(const struct buffer_reader *r, const struct segment_frame *frame,
		      struct buffer_chunk *ret)
{
	size_t skip = r->place > r->offset ? (size_t)(r->place - r->offset) : 0;

	if (r->place >= r->offset + frame->len)
		return false;
	uint32_t before = skip ? count_lines(r->scratch, skip - 1) + 1 : 0;
	*ret = (struct buffer_chunk){
		.lines = r->scratch + skip,
		.len = frame->len - skip,
		.offset = r->offset + skip,
		.records = r->records + before,
		.count = frame->records - before,
	};
	return true;
}

/*
 * The next frame into scratch, of this segment or the one that follows. When there is none although
 * later segments exist, this one is looked at once more, since the writer may have ended it just
 * now; then what is between has been dropped, or is damaged.
 */
static int next_frame(struct buffer_reader *r, struct segment_frame *ret, struct error *e)
{
	bool again = false;

	for (;;) {
		int n = segment_read_frame(r->fd, r->at, r->offset, ret, r->scratch);

		if (n < 0)
			return error_set(e, -n, "audit buffer %s: %s", r->dir, strerror(-n));
		if (n > 0)
			return n;
		n = r->offset > r->base ? take_segment(r, r->offset, e) : 0;
		if (n > 0) {
			again = false;
			continue;
		}
		if (n == 0)
			n = is_newest(r, e);
		if (n != 0)
			return n < 0 ? n : 0;
		if (again)
			return error_set(e, ESTALE, "audit buffer %s: byte %llu is gone", r->dir,
					 (unsigned long long)r->offset);
		again = true;
	}
}

int buffer_reader_next(struct buffer_reader *r, struct buffer_chunk *ret, struct error *e)
{
	struct segment_frame frame;
	int n = r->fd < 0 ? find_segment(r, e) : 1;

	while (n > 0) {
		n = next_frame(r, &frame, e);
		if (n <= 0)
			break;
		bool found = cut_chunk(r, &frame, ret);
		r->at += (int64_t)sizeof(frame) + frame.len;
		r->offset += frame.len;
		r->records += frame.records;
		if (!found)
			continue;
		r->place = r->offset;
		return 1;
	}
	return n;
}

bool buffer_reader_is_beyond(const struct buffer_reader *r)
{
	return r->fd >= 0 ? r->place > r->offset : r->place > 0;
}

uint64_t buffer_reader_end(const struct buffer_reader *r)
{
	return r->fd >= 0 ? r->offset : 0;
}

int buffer_reader_skip(struct buffer_reader *r, uint64_t *ret, struct error *e)
{
	_cleanup_(cleanup_free) uint64_t *bases = NULL;
	size_t count;
	int n = segment_list(r->dir_fd, &bases, &count, e);

	if (n < 0)
		return n;
	uint64_t damaged = r->fd >= 0 ? r->base : BUFFER_READER_OLDEST;
	let_go(r);
	for (size_t i = 0; i < count; i++) {
		if (bases[i] < r->place || bases[i] == damaged)
			continue;
		r->place = bases[i];
		break;
	}
	*ret = r->place;
	return 0;
}
