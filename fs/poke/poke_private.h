/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon and its poke helpers say to each other: one datagram a command, one an answer. */
#pragma once
#include <stdint.h>

#include "fs/registry.h"

/* So many commands are with a helper at most: it goes on without waiting for the daemon. */
#define POKE_OUT_MAX 16

/* The helper's exit status when the mount is no more. */
#define POKE_EXIT_UNMOUNTED 3

/* ".archive/" and a name, or a name and "/exit_code". */
#define POKE_PATH_MAX (REGISTRY_NAME_MAX + 48)

enum poke_op {
	POKE_MKDIR,
	POKE_RMDIR,
	POKE_MODIFY, /* utimensat(atime OMIT, mtime NOW) */
	POKE_BIND,   /* a unix socket that listens there; it comes with the answer, by SCM_RIGHTS */
};

struct poke_message {
	uint32_t sequence;
	uint32_t op;              /* enum poke_op */
	char path[POKE_PATH_MAX]; /* below the mount point; NUL-terminated */
};

struct poke_answer {
	uint32_t sequence;
	int32_t error; /* errno, 0: done */
};
