/* SPDX-License-Identifier: Apache-2.0 */
/* A file whose lock can be had is of a reader that has gone. */
#include "sidecar/readers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"

#define PREFIX "reader."

int readers_join(const char *dir, struct error *e)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" PREFIX "%d", dir, getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = error_set(e, errno, "%s: %s", path, strerror(errno));
		cleanup_close(&fd);
		return r;
	}
	readers_mark(fd, 0);
	return fd;
}

void readers_mark(int fd, uint64_t place)
{
	/* Failing costs the reader its last lines when the sidecar ends, which it will see. */
	if (fd >= 0 && pwrite(fd, &place, sizeof(place), 0) < 0)
		return;
}

/* Whether a reader is there and behind. */
static bool is_behind(int dir_fd, const char *name, uint64_t end)
{
	_cleanup_(cleanup_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t place = 0;

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		unlinkat(dir_fd, name, 0);
		return false;
	}
	return pread(fd, &place, sizeof(place), 0) == (ssize_t)sizeof(place) && place < end;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static unsigned count_behind(const char *path, uint64_t end)
{
	_cleanup_(close_dir) DIR *dir = opendir(path);
	unsigned n = 0;

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (strncmp(d->d_name, PREFIX, sizeof(PREFIX) - 1) == 0)
			n += is_behind(dirfd(dir), d->d_name, end);
	return n;
}

unsigned readers_wait(const char *dir, uint64_t end, int timeout_ms)
{
	int64_t until_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
	unsigned n;

	while ((n = count_behind(dir, end)) > 0 && clock_monotonic_ns() < until_ns)
		poll(NULL, 0, 10);
	return n;
}
