/* SPDX-License-Identifier: Apache-2.0 */
/* See place.h. A path in a mount may be longer than what a socket's address holds: 107 bytes. So we
 * go there, which works in containers without /proc, too. */
#include "tools/place.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/wire.h"

#define PLACE_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* Returns owned. */
static int place_find_mount(char **ret, struct error *e)
{
	const char *named = getenv("WEAVER_MOUNT");
	_cleanup_(cleanup_free) char *found = named && named[0] ? strdup(named) : NULL;
	FILE *mounts = found ? NULL : setmntent("/proc/self/mounts", "re");
	unsigned n = found ? 1 : 0;

	for (const struct mntent *m = mounts ? getmntent(mounts) : NULL; m; m = getmntent(mounts)) {
		if (strcmp(m->mnt_type, "fuse.weaverfs") != 0)
			continue;
		free(found);
		found = strdup(m->mnt_dir);
		n++;
	}
	if (mounts)
		endmntent(mounts);
	if (n == 0)
		return error_set(e, ENOENT, "no weaverfs is mounted here");
	if (n > 1)
		return error_set(e, EINVAL, "several weaverfs are mounted: set $WEAVER_MOUNT");
	if (!found)
		return error_oom(e);
	*ret = move_ptr(&found);
	return 0;
}

int place_open(const char *name, struct error *e)
{
	_cleanup_(cleanup_free) char *mount = NULL;

	int fd = open(name, PLACE_FLAGS);
	if (fd >= 0 && (strchr(name, '/') || faccessat(fd, WIRE_SOCKET, F_OK, 0) == 0))
		return fd;
	if (fd < 0 && (errno != ENOENT || strchr(name, '/')))
		return error_set(e, errno, "%s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	int r = place_find_mount(&mount, e);
	if (r < 0)
		return error_wrap(e, r, "%s", name);
	_cleanup_(cleanup_close) int dir = open(mount, PLACE_FLAGS);
	fd = dir < 0 ? -1 : openat(dir, name, PLACE_FLAGS);
	if (fd < 0)
		return error_set(e, errno, "%s/%s: %s", mount, name, strerror(errno));
	return fd;
}

int place_connect(int dir, const char *name, struct error *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(e, errno, "no socket: %s", strerror(errno));
	snprintf(to.sun_path, sizeof(to.sun_path), WIRE_SOCKET);
	if (fchdir(dir) < 0)
		return error_set(e, errno, "%s: %s", name, strerror(errno));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int code = errno;
		if (code == ENOENT)
			return error_set(e, code, "%s: no weaver", name);
		return error_set(e, code, "%s: no connection to weaverfs: %s", name,
				 strerror(code));
	}
	int connected = fd;
	fd = -1;
	return connected;
}
