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
void logs_free(struct logs *l); /* answers what still waits with EIO, stops the streams */

/*
 * Any thread: from an OPEN. Takes req: opened() answers it, on the cluster thread, with the spool
 * (a reference that it takes) or an error; it is called from there once, unless the caller is
 * interrupted, which is answered here with EINTR and told by spool NULL and e NULL.
 */
typedef void logs_opened(void *data, fuse_req_t req, struct spool *spool, const struct error *e);
void logs_open(struct logs *l, fuse_req_t req, uint64_t object, logs_opened *opened, void *data);
/* Any thread: the counterpart of a successful open. */
void logs_release(struct logs *l, uint64_t object);

/* From sync: the cached pod has changed or is gone. */
void logs_pod_changed(struct logs *l, const char *uid, bool gone);
