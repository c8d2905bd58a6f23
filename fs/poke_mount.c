/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/poke_mount.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "k8s/base/cleanup.h"

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* Space, tab, newline and backslash stand as \ooo in mountinfo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

int poke_mount_device(const char *mountpoint, dev_t *ret, struct error *e)
{
	_cleanup_(cleanup_file) FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_(cleanup_free) char *line = NULL;
	size_t size = 0;
	bool found = false;

	if (!file)
		return error_set(e, errno, "/proc/self/mountinfo: %s", strerror(errno));
	while (getline(&line, &size, file) > 0) {
		unsigned major_, minor_;
		int at = 0, end = 0;
		/* 36 35 98:0 /root /mount/point options … */
		if (sscanf(line, "%*u %*u %u:%u %*s %n%*s%n", &major_, &minor_, &at, &end) < 2 ||
		    end == 0)
			continue;
		line[end] = '\0';
		unescape(line + at);
		if (strcmp(line + at, mountpoint) != 0)
			continue;
		*ret = makedev(major_, minor_);
		found = true;
	}
	return found ? 0 : error_set(e, ENOENT, "%s is no mount point of this process", mountpoint);
}
