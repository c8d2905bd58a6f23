/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weaverfs --poke MOUNTPOINT DEVICE`: the helper. Its standard input is a socket to the daemon; it
 * ends with it. Nothing of the mount is kept open between two commands (a plain umount would be
 * EBUSY), and the directory under the mount point is never touched: each command opens what is
 * there now and checks that it is the root of the file system with the daemon's device number.
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/poke.h"
#include "fs/poke_private.h"

static int open_mount(const char *mountpoint, dev_t device)
{
	struct stat st;
	_cleanup_(cleanup_close) int fd = open(mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != device || st.st_ino != FUSE_ROOT_ID)
		return -ENODEV;
	int ret = fd;
	fd = -1;
	return ret;
}

static int modify(int mount, const char *path)
{
	static const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
						  { .tv_nsec = UTIME_NOW } };

	return utimensat(mount, path, times, AT_SYMLINK_NOFOLLOW);
}

static int run(const char *mountpoint, dev_t device, const struct poke_message *m)
{
	_cleanup_(cleanup_close) int mount = open_mount(mountpoint, device);

	if (mount < 0)
		return -mount;
	int r = m->op == POKE_MKDIR   ? mkdirat(mount, m->path, 0700)
		: m->op == POKE_RMDIR ? unlinkat(mount, m->path, AT_REMOVEDIR)
				      : modify(mount, m->path);
	return r < 0 ? errno : 0;
}

int poke_helper_main(int argc, char **argv)
{
	struct poke_message m;

	if (argc != 4)
		return 2;
	const char *mountpoint = argv[2];
	dev_t device = (dev_t)strtoull(argv[3], NULL, 10);
	/* Without a daemon there is no mount to serve; if it has ended already, so has the socket.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "weaverfs-poke");
	while (recv(STDIN_FILENO, &m, sizeof(m), 0) == sizeof(m)) {
		m.path[sizeof(m.path) - 1] = '\0';
		struct poke_answer answer = { .sequence = m.sequence,
					      .error = run(mountpoint, device, &m) };
		if (send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			return 1;
	}
	return 0;
}
