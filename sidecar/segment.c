/* SPDX-License-Identifier: Apache-2.0 */
/* Names, sums and reads of segments; who writes is buffer.c, who reads buffer_reader.c. */
#include "sidecar/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

void segment_name(uint64_t base, char out[SEGMENT_NAME_LEN + 1])
{
	snprintf(out, SEGMENT_NAME_LEN + 1, "%016" PRIx64 ".seg", base);
}

bool segment_parse_name(const char *name, uint64_t *ret_base)
{
	if (strlen(name) != SEGMENT_NAME_LEN || strspn(name, "0123456789abcdef") != 16 ||
	    strcmp(name + 16, ".seg") != 0)
		return false;
	*ret_base = strtoull(name, NULL, 16);
	return true;
}

uint32_t segment_head_sum(const struct segment_head *head)
{
	return (uint32_t)crc32(0, (const void *)head, offsetof(struct segment_head, sum));
}

uint32_t segment_frame_sum(const struct segment_frame *frame, uint64_t offset, const void *lines)
{
	uLong sum = crc32(0, (const void *)&offset, sizeof(offset));

	sum = crc32(sum, (const void *)frame, offsetof(struct segment_frame, sum));
	return (uint32_t)crc32(sum, lines, frame->len);
}

/* 1: all len bytes are there; 0: the file ends before. */
static int read_whole(int fd, void *to, size_t len, int64_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)to + done, len - done, at + (int64_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		done += (size_t)n;
	}
	return 1;
}

int segment_read_head(int fd, uint64_t base, struct segment_head *ret)
{
	int r = read_whole(fd, ret, sizeof(*ret), 0);

	if (r <= 0)
		return r;
	return memcmp(ret->magic, SEGMENT_MAGIC, sizeof(ret->magic)) == 0 && ret->base == base &&
	       ret->sum == segment_head_sum(ret);
}

int segment_read_frame(int fd, int64_t at, uint64_t offset, struct segment_frame *ret, char *lines)
{
	int r = read_whole(fd, ret, sizeof(*ret), at);

	if (r <= 0)
		return r;
	if (ret->len == 0 || ret->len > SEGMENT_FRAME_MAX)
		return 0;
	r = read_whole(fd, lines, ret->len, at + (int64_t)sizeof(*ret));
	if (r <= 0)
		return r;
	return ret->sum == segment_frame_sum(ret, offset, lines);
}

static int compare_bases(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int segment_list(int dir_fd, uint64_t **ret, size_t *ret_count, struct error *e)
{
	_cleanup_(cleanup_close) int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	_cleanup_(cleanup_free) uint64_t *bases = NULL;
	size_t count = 0, room = 0;

	if (!dir)
		return error_set(e, errno, "audit buffer: %s", strerror(errno));
	fd = -1; /* closedir() closes it */
	for (struct dirent *d; (d = readdir(dir));) {
		uint64_t base;

		if (!segment_parse_name(d->d_name, &base))
			continue;
		if (count == room) {
			room = room ? room * 2 : 32;
			uint64_t *more = reallocarray(bases, room, sizeof(*bases));
			if (!more)
				return error_oom(e);
			bases = more;
		}
		bases[count++] = base;
	}
	if (count > 0)
		qsort(bases, count, sizeof(*bases), compare_bases);
	*ret = move_ptr(&bases);
	*ret_count = count;
	return 0;
}
