/* SPDX-License-Identifier: Apache-2.0 */
/* See value.h. */
#include "tools/value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/rfc3339.h"

#define VALUE_CHUNK 4096

int value_read(int dir, const char *file, struct buf *ret, struct error *e)
{
	_cleanup_(cleanup_close) int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_set(e, errno, "%s: %s", file, strerror(errno));
	for (;;) {
		if (buf_reserve(ret, VALUE_CHUNK) < 0)
			return error_oom(e);
		ssize_t n = read(fd, ret->data + ret->len, VALUE_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(e, errno, "%s: %s", file, strerror(errno));
		ret->len += (size_t)n;
		ret->data[ret->len] = '\0';
		if (n == 0)
			break;
	}
	if (ret->len > 0 && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	return 0;
}

void value_get(int dir, const char *file, char *ret, size_t size)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	ret[0] = '\0';
	if (value_read(dir, file, &text, NULL) < 0)
		return;
	size_t len = strcspn(buf_str(&text), "\n");
	if (len >= size)
		len = size - 1;
	memcpy(ret, buf_str(&text), len);
	ret[len] = '\0';
}

int64_t value_time(int dir, const char *file)
{
	char text[RFC3339_NANOS_LEN + 1];
	int64_t s = 0;

	value_get(dir, file, text, sizeof(text));
	return rfc3339_parse_seconds(text, &s, NULL) == 0 ? s : 0;
}

int value_write(int dir, const char *file, const char *text, size_t len, struct error *e)
{
	_cleanup_(cleanup_close) int fd = openat(dir, file, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return error_set(e, errno, "%s: %s", file, strerror(errno));
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return error_set(e, errno, "%s: %s", file, strerror(errno));
	if ((size_t)n < len)
		return error_set(e, EIO, "%s: only %zd of %zu bytes were taken", file, n, len);
	return 0;
}
