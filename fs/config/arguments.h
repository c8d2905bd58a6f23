/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. */
#pragma once
#include <stdbool.h>

#include "k8s/base/buf.h"

struct arguments {
	bool foreground, debug;
	bool show_settings, show_pod; /* and nothing else: there is no mount point */
	struct buf options;           /* every -o, with commas between */
	const char *source;           /* NULL: left out */
	const char *mountpoint;
};

/* -1: go on; else the exit code: --help and --version were answered, or the usage was shown. */
int arguments_parse(struct arguments *a, int argc, char **argv);
void arguments_done(struct arguments *a);
