/* SPDX-License-Identifier: Apache-2.0 */
/* See netns.h. A socket belongs to the network its thread was in when it was made. */
#include "tools/kubesim/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "k8s/base/cleanup.h"

int netns_socket(pid_t pid)
{
	char path[64];
	if (pid <= 0)
		return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	_cleanup_(cleanup_close) int theirs = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(cleanup_close) int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (theirs < 0 || ours < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return -errno;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = errno;
	if (setns(ours, CLONE_NEWNET) < 0)
		abort(); /* everything from here on would happen in the wrong network */
	return fd < 0 ? -error : fd;
}
