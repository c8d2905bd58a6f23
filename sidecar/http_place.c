/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http_place.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "k8s/base/cleanup.h"

/* What the file holds, in the machine's own byte order: it does not leave the pod. */
struct saved {
	uint64_t from, to, records;
	uint32_t pad;
	uint32_t sum;
};

static uint32_t sum(const struct saved *s)
{
	return (uint32_t)crc32(0, (const void *)s, offsetof(struct saved, sum));
}

bool http_place_load(struct http_place *p, const char *directory)
{
	struct saved s;
	char path[4096];

	snprintf(path, sizeof(path), "%s/http.place", directory);
	if (p->fd < 0)
		p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->fd < 0 || pread(p->fd, &s, sizeof(s), 0) != (ssize_t)sizeof(s) || s.sum != sum(&s) ||
	    s.from > s.to)
		return false;
	p->from = s.from;
	p->to = s.to;
	p->records = s.records;
	return true;
}

void http_place_save(struct http_place *p, uint64_t from, uint64_t to, uint64_t records)
{
	struct saved s = { .from = from, .to = to, .records = records };

	s.sum = sum(&s);
	p->from = from;
	p->to = to;
	p->records = records;
	if (p->fd >= 0 && pwrite(p->fd, &s, sizeof(s), 0) < 0)
		return;
}

void http_place_done(struct http_place *p)
{
	cleanup_close(&p->fd);
}
