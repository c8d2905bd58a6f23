/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE request that waits. It is answered once, always on the cluster thread, by whoever takes it
 * out of the park first: data, a signal, release or shutdown. The order of steps that libfuse needs
 * (its callback may run inside the call that registers it, and must not reply there) is in park.c.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "k8s/base/list.h"
#include "k8s/loop.h"

struct park {
	struct list node; /* for the owner's list, unlinked by park_take(); cluster thread */
	fuse_req_t req;   /* NULL once taken */
	void *data;       /* the owner's, free to set after park_new() */
	/* Called on the cluster thread after a signal: park_take() and reply EINTR. */
	void (*interrupted)(struct park *p);
	/* private */
	struct loop *loop;
	struct loop_job job;
	int posted;    /* atomic: the job is on its way */
	bool released; /* taken meanwhile: the job frees it */
};

/*
 * Heap; cluster thread. NULL: out of memory. A signal that came before calls interrupted() later,
 * never from inside.
 */
struct park *park_new(struct loop *loop, fuse_req_t req, void (*interrupted)(struct park *p));
/*
 * The request, to be answered now; NULL: already taken. Frees p as soon as nothing points at it: p
 * must not be used afterwards. Cluster thread, or after the loop has stopped.
 */
fuse_req_t park_take(struct park *p);
