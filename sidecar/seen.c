/* SPDX-License-Identifier: Apache-2.0 */
/* One write of a few bytes in place a turn: it needs no room on a disk that is full. */
#include "sidecar/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

#define SEEN_FILE "seen"
#define SEEN_MAGIC 0x4e454553444d4f4cULL /* "LOMDSEEN", little-endian */

struct record {
	uint64_t magic, run;
	int64_t last_ns;
	uint32_t clean;
	uint32_t sum;
};

static uint32_t record_sum(const struct record *r)
{
	return (uint32_t)crc32(0, (const void *)r, offsetof(struct record, sum));
}

int seen_open(struct seen *s, const char *dir, struct error *e)
{
	char path[4096];
	struct record r;

	*s = (struct seen){ .fd = -1, .run = 1 };
	snprintf(path, sizeof(path), "%s/" SEEN_FILE, dir);
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	if (pread(s->fd, &r, sizeof(r), 0) != (ssize_t)sizeof(r) || r.magic != SEEN_MAGIC ||
	    r.sum != record_sum(&r))
		return 0;
	s->run = r.run + 1;
	s->last_ns = r.last_ns;
	s->clean = r.clean;
	return 0;
}

int seen_mark(struct seen *s, int64_t realtime_ns, bool clean)
{
	struct record r = {
		.magic = SEEN_MAGIC, .run = s->run, .last_ns = realtime_ns, .clean = clean
	};

	if (s->fd < 0)
		return 0;
	r.sum = record_sum(&r);
	ssize_t n = pwrite(s->fd, &r, sizeof(r), 0);
	return n == (ssize_t)sizeof(r) ? 0 : n < 0 ? -errno : -ENOSPC;
}

void seen_done(struct seen *s)
{
	cleanup_close(&s->fd);
}
