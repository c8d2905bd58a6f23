/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose content comes from the API server (pod.json, usage), or through it from the pod
 * (metrics), when they are opened: the open waits for it, 2 s at most and interruptible. An answer
 * is shared by everyone who opens within 2 s of it; at most 8 calls are out at once, the rest wait
 * their turn.
 */
#pragma once
#include <fuse_lowlevel.h>

#include "fs/attr/attr.h"

struct fetch;

int fetch_new(struct weaverfs *fs, struct fetch **ret, struct error *e);
void fetch_free(struct fetch *f); /* cluster thread; answers what waits with EIO */

/*
 * Any thread: from an OPEN. Takes req; opened() answers it, on the cluster thread, with the content
 * (borrowed) or an error; with both NULL the caller was interrupted and has been answered.
 */
typedef void fetch_opened(void *data, fuse_req_t req, const struct buf *content,
			  const struct error *e);
void fetch_open(struct fetch *f, fuse_req_t req, fuse_ino_t ino, const struct caller *caller,
		fetch_opened *opened, void *data);
