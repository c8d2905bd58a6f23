/* SPDX-License-Identifier: Apache-2.0 */
/* A command in a weaver with our stdin, stdout and stderr: the client of k8s/base/wire.h. */
#pragma once
#include <stdbool.h>

#include "k8s/base/wire.h"

struct session_request {
	enum wire_verb verb;
	const char *weaver; /* as place_open() takes it */
	char **argv;        /* NULL at the end */
	bool tty;           /* the terminal becomes the weaver's */
	bool detachable;    /* Ctrl-P Ctrl-Q ends us alone */
};

/* Returns the exit status; what went wrong has been said on stderr. */
int session_run(const struct session_request *request);
