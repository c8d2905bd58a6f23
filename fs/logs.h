/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `logs` files: for each weaver whose log somebody has opened, a log stream that feeds its
 * spool. An open waits until what the kubelet has is in the file (2 s at most, a signal ends it);
 * the stream closes 60 s after the last reader. Cluster thread except where noted.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct weaverfs;
struct logs;
struct spool;

int logs_new(struct weaverfs *fs, struct logs **ret, struct error *e);
/*
 * Answers what still waits with EIO and stops the streams. On the cluster thread or after it has
 * ended; no logs_open() or logs_release() may be under way (the session's loop has ended before).
 */
void logs_free(struct logs *l);
/* From sync, once, after the first list: spools of weavers that are gone are removed. */
void logs_ready(struct logs *l);

/*
 * Any thread: from an OPEN. Takes req: opened() answers it, on the cluster thread, with the spool
 * (a reference that it takes) or an error; it is called once. When the caller was interrupted, the
 * request has been answered with EINTR: then req, spool and e are NULL. Without memory opened() is
 * called at once, on the caller's thread. A fuse_reply_open() that fails with -ENOENT (the opener
 * was killed meanwhile) brings no RELEASE: opened() calls logs_release() itself then.
 */
typedef void logs_opened(void *data, fuse_req_t req, struct spool *spool, const struct error *e);
void logs_open(struct logs *l, fuse_req_t req, uint64_t object, logs_opened *opened, void *data);
/* Any thread: the counterpart of a successful open. */
void logs_release(struct logs *l, uint64_t object);

/* From sync: the cached pod has changed or is gone. */
void logs_pod_changed(struct logs *l, const char *uid, bool gone);
