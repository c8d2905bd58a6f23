/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes to a file that does something (attr.act): the writer waits until it is done. A signal ends
 * the wait, not the work.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stddef.h>

#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct attr;
struct caller;
struct weaverfs;

/*
 * One write that waits: in the list of whoever works on it, who calls done() once and forgets it;
 * e NULL: well. Whoever frees that list before just leaves it. Cluster thread.
 */
struct act {
	struct list node;
	void (*done)(struct act *a, const struct error *e);
};

/* Any thread. Takes req: fuse_reply_write(len), or the error. */
void act_start(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino, const struct attr *attr,
	       const struct caller *caller, size_t len);
