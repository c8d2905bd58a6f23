/* SPDX-License-Identifier: Apache-2.0 */
/* See delegate.h. */
#include "tools/delegate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/beside.h"
#include "tools/cmd.h"

#define DELEGATE_PROGRAM "weaver-cluster"

int delegate_run(int argc, char **argv)
{
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	char path[PATH_MAX];

	if (!args) {
		complain_that("out of memory");
		return CMD_EXIT_FAILED;
	}
	beside_find(DELEGATE_PROGRAM, path);
	args[0] = path;
	memcpy(args + 1, argv, (size_t)argc * sizeof(*args));
	execvp(path, args);
	complain_that("%s cannot be started: %s; it belongs beside weaver", path, strerror(errno));
	free(args);
	return CMD_EXIT_FAILED;
}
