/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/audit-load/flood.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static void opens(unsigned long times, int which)
{
	char name[] = "flood-0";
	name[6] = (char)('0' + which);
	for (unsigned long i = 0; i < times; i++) {
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0 || write(fd, "x", 1) != 1 || write(fd, "y", 1) != 1)
			_exit(1);
		close(fd);
	}
	unlink(name);
	_exit(0);
}

static int ended_well(void)
{
	int status;
	return wait(&status) > 0 && !status;
}

int flood_do(unsigned long times)
{
	for (int i = 0; i < 2; i++)
		if (!fork())
			opens(times / 2, i);
	char name[] = "audit-load", option[] = "--noop";
	char *const noop[] = { name, option, NULL };
	unsigned long execs = times / 100;
	int good = 1;
	for (unsigned long i = 0; i < execs; i++) {
		if (!vfork()) {
			execve("/proc/self/exe", noop, environ);
			_exit(1);
		}
		good &= ended_well();
	}
	while (wait(NULL) > 0)
		continue;
	printf("{\"opens\":%lu,\"writes\":%lu,\"execs\":%lu}\n", times / 2 * 2, times / 2 * 4,
	       execs);
	return good ? 0 : 1;
}
