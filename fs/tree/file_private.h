/* SPDX-License-Identifier: Apache-2.0 */
/* What file.c and file_write.c share: one open file. */
#pragma once
#include <fuse_lowlevel.h>

#include "fs/attr/attr.h"
#include "fs/tree/handles.h"

struct bulk;
struct logs;
struct spool_reader;

struct open_file {
	struct handles_node node;
	struct weaverfs *fs;
	const struct attr *attr;
	unsigned scope;
	fuse_ino_t ino;
	struct caller caller;
	struct fuse_file_info fi;   /* as it was at OPEN, for an answer that comes later */
	struct buf content;         /* snapshot; of a draft's list what was written so far */
	struct spool_reader *spool; /* a growing file; NULL: none */
	struct bulk *bulk;          /* .weaverfs/new; NULL: none */
	int fd;                     /* a file of the archive; -1: none */
	struct logs *logs;          /* logs_release() is owed to them; NULL: none */
	bool counted;               /* registry_release() is owed */
	bool written;               /* a WRITE has come, whatever became of it */
	unsigned flushes;
	bool unfinished; /* a list's last line has no newline yet */
};

static inline struct open_file *file_of(const struct fuse_file_info *fi)
{
	return (struct open_file *)(uintptr_t)fi->fh;
}

/* One line of .weaverfs/errors about an open file. */
void file_error(const struct open_file *h, uid_t uid, const char *op, const struct error *e);

/* file_write.c: a draft's file was opened with O_TRUNC and not written to: it is empty. */
void file_write_truncated(struct open_file *h);
