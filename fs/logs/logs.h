/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `logs` files, and in another instance the `audit` files: for each weaver whose log somebody
 * has opened, a stream that feeds its spool (log_source.h). An open waits until what the kubelet
 * has is in the file (2 s at most, a signal ends it); the stream closes 60 s after the last reader.
 * Cluster thread except where noted.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct weaverfs;
struct log_file;
struct log_source;
struct logs;
struct registry_view;
struct spool;

int logs_new(struct weaverfs *fs, const struct log_source *source, struct logs **ret,
	     struct error *e);
/*
 * Answers what still waits with EIO and stops the streams. On the cluster thread or after it has
 * ended; no logs_open() or logs_release() may be under way (the session's loop has ended before).
 */
void logs_free(struct logs *l);
/* From sync, once, after the first list: spools of weavers that are gone are removed, but for what
 * the archive has not taken yet. */
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

/*
 * Who wants a log to its last byte though nobody reads it: the archive, of a weaver that leaves or
 * has ended. While there is a keeper the stream does not close and the spool does not go. Cluster
 * thread.
 */
struct logs_keeper {
	struct list node;                       /* of the log's keepers */
	struct log_file *file;                  /* NULL: keeps nothing */
	void (*changed)(struct logs_keeper *k); /* more bytes, or the end; may only set timers */
};
/* complete: the spool is known to have it all. v: the pod's newest state. -errno of the spool. */
int logs_keep(struct logs *l, struct logs_keeper *k, const struct registry_view *v, bool complete,
	      struct error *e);
/* spare: the spool stays on disk though the pod is gone, for the next start. */
void logs_unkeep(struct logs_keeper *k, bool spare);
struct spool *logs_kept_spool(const struct logs_keeper *k); /* borrowed */
/* Where reading stands; borrowed. */
const struct log_position *logs_kept_position(const struct logs_keeper *k);
/* Nothing will be appended any more; complete: and nothing is missing at its end. */
bool logs_kept_ended(const struct logs_keeper *k, bool *ret_complete);

/*
 * Cluster thread: an open that does not wait, for follow/logs: what is there now, and what comes
 * wakes the weaver's streams. *ret is a reference for the caller. -ENOENT.
 */
int logs_follow(struct logs *l, uint64_t object, struct spool **ret, struct error *e);
void logs_unfollow(struct logs *l, uint64_t object);
/* The container's last byte is in the spool; of one that is followed. */
bool logs_ended(struct logs *l, uint64_t object);

/* From sync: the cached pod has changed or is gone. */
void logs_pod_changed(struct logs *l, const char *uid, bool gone);
