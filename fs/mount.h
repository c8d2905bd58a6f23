/* SPDX-License-Identifier: Apache-2.0 */
/* The mount point and the FUSE session on it. Main thread. */
#pragma once
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct fuse_lowlevel_ops;
struct fuse_session;

struct mount_spec {
	const char *program;
	const char *options; /* the user's for libfuse, already checked; "" none */
	const struct fuse_lowlevel_ops *ops;
	size_t ops_size;
	void *userdata;
};

/*
 * The absolute path of a mount point, which must be a directory; a stale mount of weaverfs on it
 * (its daemon was killed) is detached first.
 */
int mount_prepare(const char *path, struct buf *ret_path, struct error *e);

/* A session, not mounted yet. *ret_alone: who alone will see it, and why; empty: everybody. */
int mount_session_new(const struct mount_spec *spec, struct fuse_session **ret,
		      struct buf *ret_alone, struct error *e);
/* Mounts it; undone by fuse_session_unmount() and fuse_session_destroy(). */
int mount_attach(struct fuse_session *session, const char *path, struct error *e);
/* Answers the kernel until a signal, umount, or the end of the connection. 0 or -errno. */
int mount_run(struct fuse_session *session, unsigned threads, struct error *e);
