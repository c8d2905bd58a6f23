/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkdir in the root: one bounded POST. It has succeeded when the reply and the pod's own ADDED in
 * the watch are there, all within create_timeout_ms; a mkdir that fails leaves nothing behind
 * (tombstones.h). Two mounts that create one name: the order of the API server's watch decides.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <sys/types.h>

#include "k8s/base/error.h"

struct weaverfs;
struct create;
struct pod;

int create_new(struct weaverfs *fs, struct create **ret, struct error *e);
void create_free(struct create *c); /* cluster thread; answers what is in flight with EIO */

/* Any thread, from MKDIR: takes req and answers it, on the cluster thread. */
void create_mkdir(struct create *c, fuse_req_t req, const char *name, mode_t mode);
/*
 * Any thread, from RENAME of a draft into the root: takes req. One POST, two with secrets; when it
 * fails the draft stays as it was, when it succeeds it is removed. A draft that the server finds
 * invalid is EPROTO, since mv words EINVAL wrongly.
 */
struct drafts_view;
void create_from_draft(struct create *c, fuse_req_t req, const struct drafts_view *draft,
		       const char *name);
/* From sync, cluster thread: a live pod was seen for the first time, in the watch's order. */
void create_pod_seen(struct create *c, const struct pod *pod);
/* From sync: a replace has ended: orders that span it are not known. */
void create_order_lost(struct create *c);
