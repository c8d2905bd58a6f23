/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE request that waits. It is answered once, always on the thread that it was parked on (the
 * cluster's or the ws thread), by whoever takes it out of the park first: data, a signal, release
 * or shutdown. The order of steps that libfuse needs (its callback may run inside the call that
 * registers it, and must not reply there) is in park.c.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "k8s/base/list.h"
#include "k8s/loop.h"
#include "k8s/ws.h"

struct park {
	struct list node; /* for the owner's list, unlinked by park_take(); the park's thread */
	fuse_req_t req;   /* NULL once taken */
	void *data;       /* the owner's, free to set after park_new() */
	/* Called on the park's thread after a signal: park_take() and reply EINTR. */
	void (*interrupted)(struct park *p);
	/* private */
	void (*post)(struct park *p); /* park_run() on the park's thread */
	struct loop *loop;            /* of park_new() */
	struct loop_job job;
	struct ws *ws; /* of park_ws_new() */
	struct ws_job ws_job;
	int posted;    /* atomic: the job is on its way */
	bool released; /* taken meanwhile: the job frees it */
};

/*
 * Heap; cluster thread. NULL: out of memory. A signal that came before calls interrupted() later,
 * never from inside.
 */
struct park *park_new(struct loop *loop, fuse_req_t req, void (*interrupted)(struct park *p));
/* The same on the ws thread; park_ws.c. */
struct park *park_ws_new(struct ws *ws, fuse_req_t req, void (*interrupted)(struct park *p));
/*
 * The request, to be answered now; NULL: already taken. Frees p as soon as nothing points at it: p
 * must not be used afterwards. The park's thread, or after it has stopped.
 */
fuse_req_t park_take(struct park *p);

/* ---- for park_ws.c ---- */
struct park *park_begin(const struct park *how, fuse_req_t req);
void park_run(struct park *p);
