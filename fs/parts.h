/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a mount's parts, for main.c; main thread. */
#pragma once
#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct cluster;
struct config;
struct fuse_session;

/* Starts the cluster thread and a client on it. Takes cluster, also on failure; borrows config. */
int parts_new(const struct config *config, struct cluster *cluster, struct weaverfs **ret,
	      struct error *e);
/* Makes all other parts and starts the watches; the members of struct weaverfs that it needs
 * (state_dir, mountpoint, simulated) are set by then. */
int parts_start(struct weaverfs *fs, struct error *e);
/* After the first list: the session, for invalidations, and the reaper; see reaper_start(). */
int parts_serve(struct weaverfs *fs, struct fuse_session *session, struct buf *warning,
		struct error *e);
/* Answers all that is in flight, ends the cluster thread; the session must still be there. */
void parts_stop(struct weaverfs *fs);
void parts_free(struct weaverfs *fs); /* after parts_stop() */
