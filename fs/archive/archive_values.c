/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/archive/archive_values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

void archive_values_add(struct buf *values, const char *name, const char *bytes, size_t len)
{
	buf_printf(values, "%s %zu\n", name, len);
	buf_add(values, bytes, len);
}

static int open_file(const char *dir, const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", dir, name);
	if (buf_error(&path) < 0)
		return -ENOMEM;
	int fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int read_values(const char *dir, struct buf *ret)
{
	struct stat st;
	_cleanup_(cleanup_close) int fd = open_file(dir, ARCHIVE_VALUES);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (buf_reserve(ret, (size_t)st.st_size + 1) < 0)
		return -ENOMEM;
	ssize_t n = pread(fd, ret->data, (size_t)st.st_size, 0);
	if (n < 0)
		return -errno;
	ret->len = (size_t)n;
	ret->data[n] = '\0';
	return 0;
}

/* NULL: no such, or what follows is no value. */
static const char *find(const struct buf *values, const char *name, size_t *ret_len)
{
	const char *at = values->data, *end = values->data + values->len;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const char *space = line_end ? memchr(at, ' ', (size_t)(line_end - at)) : NULL;
		size_t len = space ? strtoul(space + 1, NULL, 10) : 0;

		if (!space || len > (size_t)(end - line_end - 1))
			return NULL;
		if ((size_t)(space - at) == strlen(name) && !memcmp(at, name, strlen(name))) {
			*ret_len = len;
			return line_end + 1;
		}
		at = line_end + 1 + len;
	}
	return NULL;
}

static int open_memory(const char *bytes, size_t len)
{
	_cleanup_(cleanup_close) int fd = memfd_create("archive", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (len && pwrite(fd, bytes, len, 0) != (ssize_t)len)
		return -ENOSPC;
	int ret = fd;
	fd = -1;
	return ret;
}

int archive_values_open(const char *dir, const char *name)
{
	_cleanup_(buf_done) struct buf values = BUF_INIT;
	size_t len = 0;
	int fd = open_file(dir, name);

	if (fd != -ENOENT)
		return fd;
	int r = read_values(dir, &values);
	if (r < 0 && r != -ENOENT)
		return r;
	const char *bytes = find(&values, name, &len);
	return open_memory(bytes, bytes ? len : 0);
}

off_t archive_values_size(const char *dir, const char *name)
{
	_cleanup_(buf_done) struct buf values = BUF_INIT, path = BUF_INIT;
	size_t len = 0;
	struct stat st;

	buf_printf(&path, "%s/%s", dir, name);
	if (buf_error(&path) == 0 && lstat(path.data, &st) == 0)
		return st.st_size;
	return read_values(dir, &values) == 0 && find(&values, name, &len) ? (off_t)len : 0;
}
