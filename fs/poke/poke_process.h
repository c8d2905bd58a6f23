/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of one helper: it is started, given commands, killed when it does not answer in
 * time, reaped, and started again, each time later while it never answers. Cluster thread.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

#include "fs/poke/poke_private.h"
#include "k8s/base/error.h"

struct loop;
struct poke_process;

struct poke_process_ops {
	/*
	 * Its requests come from pid from now on; 0: from nobody. heeded: it does what it was told;
	 * not: it is being killed, and what it still does must be refused.
	 */
	void (*is)(void *data, pid_t pid, bool heeded);
	void (*ready)(void *data); /* may be given commands, until it is not heeded */
	/* The first of them has ended. fd: of POKE_BIND, the callee's to close; else -1. */
	void (*answered)(void *data, int error, int fd);
	void (*ended)(void *data);     /* the others: who knows how far; ready() comes */
	void (*unmounted)(void *data); /* the mount is no more; no other is started */
	/* A command is late. Whether that is another's doing, so that there is more time. */
	bool (*excused)(void *data);
};

struct poke_process_spec {
	struct loop *loop;
	const char *mountpoint; /* borrowed while it lives */
	dev_t device;           /* of what is mounted there */
	const char *purpose;    /* for ps(1); borrowed */
	const struct poke_process_ops *ops;
	void *data;
};

/* Starts it; ops are called from here on, ready() from inside too. */
int poke_process_new(const struct poke_process_spec *spec, struct poke_process **ret,
		     struct error *e);
/* Ends it: waits for up to a second; one that waits for a lock longer dies with the mount. */
void poke_process_free(struct poke_process *p);
/* After ready(). It does them one after the other; as many as its socket holds. */
void poke_process_send(struct poke_process *p, enum poke_op op, const char *path);
