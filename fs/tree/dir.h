/* SPDX-License-Identifier: Apache-2.0 */
/* The FUSE operations on directories; each takes req and answers it. */
#pragma once
#include <fuse_lowlevel.h>

#include "fs/weaverfs.h"

/* What every operation begins with: the mount, who asks, one more in the metrics. */
struct weaverfs *dir_begin(fuse_req_t req, struct caller *caller);

/* What a helper is told of something that users do not reach any more. */
void dir_gone_attr(fuse_ino_t ino, struct stat *st);

void dir_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void dir_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev);
void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void dir_readplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		  struct fuse_file_info *fi);
void dir_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void dir_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void dir_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		const char *newname, unsigned flags);
