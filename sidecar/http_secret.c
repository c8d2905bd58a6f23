/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http_secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

#define TOKEN_MAX 16384

/* A secret's mount is a directory, with a file for each key. */
static bool find_file(const char *path, const char *key, char *out, size_t size)
{
	struct stat st;

	if (!*path || stat(path, &st) < 0)
		return false;
	int n = S_ISDIR(st.st_mode) ? snprintf(out, size, "%s/%s", path, key)
				    : snprintf(out, size, "%s", path);
	return n > 0 && (size_t)n < size && access(out, F_OK) == 0;
}

bool http_secret_ca(const char *path, char *out, size_t size)
{
	return find_file(path, "ca.crt", out, size);
}

int http_secret_token(const char *path, struct buf *headers, struct error *e)
{
	char file[4096], token[TOKEN_MAX + 1];

	if (!find_file(path, "token", file, sizeof(file)))
		return 0;
	_cleanup_(cleanup_close) int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, token, sizeof(token));
	if (n < 0)
		return error_set(e, errno, "token %s: %s", file, strerror(errno));
	while (n > 0 && isspace((unsigned char)token[n - 1]))
		n--;
	int r = 0;
	if (n == 0 || n > TOKEN_MAX)
		r = error_set(e, EINVAL, "token %s: %s", file, n ? "too long" : "empty");
	for (ssize_t i = 0; i < n && r == 0; i++)
		if (!isgraph((unsigned char)token[i]))
			r = error_set(e, EINVAL, "token %s: not one word", file);
	if (r == 0) {
		buf_add_str(headers, "Authorization: Bearer ");
		buf_add(headers, token, (size_t)n);
		buf_add_str(headers, "\r\n");
	}
	explicit_bzero(token, sizeof(token));
	return r;
}
