/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/into/splice.h"

#include <linux/fuse.h>
#include <stdint.h>

#include "fs/weaverfs.h"

/*
 * A byte stored at the end makes a smaller size this one, and the kernel ask for it when somebody
 * wants to know; a larger one becomes right with the first short read. The byte itself goes with
 * the page when the reply to the OPEN comes, which has no FOPEN_KEEP_CACHE.
 */
void splice_announce(const struct weaverfs *fs, fuse_ino_t ino, off_t size)
{
	struct fuse_bufvec byte = FUSE_BUFVEC_INIT(1);
	char nul = 0;

	if (size <= 0 || !fs->session)
		return;
	byte.buf[0].mem = &nul;
	fuse_lowlevel_notify_store(fs->session, ino, size - 1, &byte, 0);
}

/*
 * As fuse_reply_open(), which knows no FOPEN_STREAM: without it the kernel lets one read in at a
 * time (f_pos lock), and no signal reaches those that wait behind it.
 */
int splice_reply_stream(const struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino,
			const void *handle)
{
	struct fuse_open_out out = {
		.fh = (uintptr_t)handle,
		.open_flags = FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_STREAM,
	};

	splice_announce(fs, ino, SPLICE_NO_SIZE);
	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

/* Direct reads have the reader's lock owner with them (FUSE_READ_LOCKOWNER): a hash, not 0. */
bool splice_fills_cache(const struct fuse_file_info *fi)
{
	return fi->lock_owner == 0;
}
