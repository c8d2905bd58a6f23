/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .weaverfs/new: many weavers side by side, where mkdirs queue behind the directory's lock. One
 * open is one batch: `NAME` or `NAME DRAFT` lines are written, and each is begun as soon as its
 * line is complete; reads give `NAME ok` or `NAME ERRNO message` for each, in the order written,
 * and block for the ones under way; then EOF.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stddef.h>

#include "fs/weaverfs.h"
#include "k8s/base/error.h"

struct bulk;

/* Any thread. NULL: out of memory. */
struct bulk *bulk_new(struct weaverfs *fs, const struct caller *caller);
/* -EINVAL: a line that is no name and no pair, or too long; nothing of this write is begun. */
int bulk_write(struct bulk *b, const char *data, size_t len, struct error *e);
/* Takes req; answered on the cluster thread, EINTR after a signal. A first read ends the batch. */
void bulk_read(struct bulk *b, fuse_req_t req, size_t size);
/* Released, or never: what is under way goes on, its outcome is in .weaverfs/errors. */
void bulk_free(struct bulk *b);
