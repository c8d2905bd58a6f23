/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/poke/poke_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

/* The device and number of what a path, or a descriptor with "", leads to; it is not asked. */
static int identify(int fd, const char *path, dev_t *ret_device, uint64_t *ret_ino)
{
	int flags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	struct statx stx;

	if (statx(fd, path, flags, STATX_INO, &stx) < 0)
		return -errno;
	*ret_device = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	*ret_ino = stx.stx_ino;
	return 0;
}

int poke_mount_clone(const char *mountpoint, dev_t *ret_device, struct error *e)
{
	_cleanup_(cleanup_close) int fd =
		open_tree(AT_FDCWD, mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	uint64_t ino;

	if (fd < 0)
		return error_set(e, errno, "open_tree %s: %s", mountpoint, strerror(errno));
	int r = identify(fd, "", ret_device, &ino);
	if (r < 0)
		return error_set(e, -r, "%s: %s", mountpoint, strerror(-r));
	if (ino != FUSE_ROOT_ID)
		return error_set(e, ENODEV, "%s is no mount point of this process", mountpoint);
	int ret = fd;
	fd = -1;
	return ret;
}

static bool listed(const char *mountpoint, dev_t device)
{
	_cleanup_(cleanup_file) FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_(cleanup_free) char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		unsigned major_, minor_;
		int at = 0, end = 0;
		/* 36 35 98:0 /root /mount/point options … */
		if (sscanf(line, "%*u %*u %u:%u %*s %n%*s%n", &major_, &minor_, &at, &end) < 2 ||
		    end == 0)
			continue;
		line[end] = '\0';
		unescape(line + at);
		if (makedev(major_, minor_) == device && strcmp(line + at, mountpoint) == 0)
			return true;
	}
	return !file; /* rather too long than not at all */
}

bool poke_mount_there(const char *mountpoint, dev_t device)
{
	dev_t there;
	uint64_t ino;
	int r = identify(AT_FDCWD, mountpoint, &there, &ino);

	return (r == 0 && there == device && ino == FUSE_ROOT_ID) || listed(mountpoint, device);
}
