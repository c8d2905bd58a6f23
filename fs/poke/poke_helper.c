/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `weaverfs --poke MOUNTPOINT DEVICE PURPOSE`: the helper. Its standard input is a socket to the
 * daemon; it ends with it. It works in a mount of its own, so that it neither keeps the daemon's
 * busy for umount(8) nor ever touches the directory under the mount point. But that keeps the file
 * system, and with it the daemon, for as long as we live: we end when the daemon's mount has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/poke/poke.h"
#include "fs/poke/poke_mount.h"
#include "fs/poke/poke_private.h"

static int modify(int root, const char *path)
{
	static const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
						  { .tv_nsec = UTIME_NOW } };

	return utimensat(root, path, times, AT_SYMLINK_NOFOLLOW);
}

/* From inside the mount: a socket's address has no room for long paths. */
static int bind_socket(int root, const char *path, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%.*s", (int)sizeof(to.sun_path) - 1, path);
	int r = fd < 0 || fchdir(root) < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
				listen(fd, SOMAXCONN) < 0
			? -1
			: 0;
	int code = errno;
	if (chdir("/") < 0 || r < 0) {
		errno = r < 0 ? code : errno;
		return -1;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* errno */
static int run(int root, const struct poke_message *m, int *ret_fd)
{
	int r = m->op == POKE_MKDIR   ? mkdirat(root, m->path, 0700)
		: m->op == POKE_RMDIR ? unlinkat(root, m->path, AT_REMOVEDIR)
		: m->op == POKE_BIND  ? bind_socket(root, m->path, ret_fd)
				      : modify(root, m->path);

	return r < 0 ? errno : 0;
}

/* fd goes with it, -1: none. */
static bool reply(const struct poke_answer *answer, int fd)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)answer, sizeof(*answer) };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(STDIN_FILENO, &m, MSG_NOSIGNAL) == sizeof(*answer);
}

/* One command; false: the daemon has ended. */
static bool serve(int root)
{
	struct poke_message m;

	if (recv(STDIN_FILENO, &m, sizeof(m), 0) != sizeof(m))
		return false;
	m.path[sizeof(m.path) - 1] = '\0';
	_cleanup_(cleanup_close) int fd = -1;
	struct poke_answer answer = { .sequence = m.sequence, .error = run(root, &m, &fd) };
	return reply(&answer, fd);
}

int poke_helper_main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	const char *mountpoint = argv[2];
	dev_t ours = (dev_t)strtoull(argv[3], NULL, 10), device;
	/* Without a daemon there is no mount to serve; if it has ended already, so has the socket.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "weaverfs-poke");
	_cleanup_(cleanup_close) int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	_cleanup_(cleanup_close) int root = poke_mount_clone(mountpoint, &device, NULL);
	if (mounts < 0 || root < 0 || device != ours)
		return poke_mount_there(mountpoint, ours) ? 1 : POKE_EXIT_UNMOUNTED;

	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				{ .fd = mounts, .events = POLLPRI } };
	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0) {
		if (fds[1].revents && !poke_mount_there(mountpoint, ours))
			return POKE_EXIT_UNMOUNTED;
		if (fds[0].revents && !serve(root))
			return 0;
	}
	return 1;
}
