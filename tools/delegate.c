/* SPDX-License-Identifier: Apache-2.0 */
/* See delegate.h. It is beside us, in a build as in an installation. */
#include "tools/delegate.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "tools/cmd.h"

#define DELEGATE_PROGRAM "weaver-cluster"

int delegate_run(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	char self[PATH_MAX];

	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len > 0) {
		self[len] = '\0';
		buf_printf(&path, "%.*s", (int)(strrchr(self, '/') + 1 - self), self);
	}
	buf_add_str(&path, DELEGATE_PROGRAM);
	if (!args || buf_error(&path) < 0) {
		complain_that("out of memory");
		return CMD_EXIT_FAILED;
	}
	args[0] = path.data;
	memcpy(args + 1, argv, (size_t)argc * sizeof(*args));
	execv(path.data, args);
	if (errno == ENOENT)
		execvp(DELEGATE_PROGRAM, args);
	complain_that("%s cannot be started: %s; it belongs beside weaver", path.data,
		      strerror(errno));
	free(args);
	return CMD_EXIT_FAILED;
}
