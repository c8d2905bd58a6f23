/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: a snapshot made at open, a reader of a growing spool, a file of the archive, a
 * draft's file that gathers what is written. Reads and writes of one handle come from any FUSE
 * thread; the kernel serialises those of one open file (f_pos). Streams are another kind: stream.h.
 */
#pragma once
#include <fuse_lowlevel.h>

#include "fs/attr/attr.h"

/* All take req and answer it, now or from the cluster thread. */
void file_open(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	       const struct caller *caller);
void file_read(fuse_req_t req, size_t size, off_t offset, const struct fuse_file_info *fi);
void file_release(fuse_req_t req, const struct fuse_file_info *fi);

/* ---- file_write.c ---- */
void file_write_data(fuse_req_t req, const char *data, size_t size, off_t offset,
		     const struct fuse_file_info *fi, const struct caller *caller);
void file_write_flush(fuse_req_t req, const struct fuse_file_info *fi);
