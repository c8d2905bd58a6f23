/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile(2), splice(2) and what is made of them, as busybox's cat and cp. Since Linux 6.5 the
 * kernel reads for them through its page cache, of a file with direct_io too, and no further than
 * the size that it happens to know: 0 of a log or a stream, the last one looked up of any other.
 * busybox takes the 0 that comes of it for the end of the file.
 *
 * So an open tells the kernel the size that there is. What is no file of one size for all of its
 * readers refuses to be read that way (EINVAL), and all of these programs then read(2).
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <sys/types.h>

struct weaverfs;

/* The size of what cannot be read through the page cache: with 0 the kernel would not ask. */
#define SPLICE_NO_SIZE 2

/* Before the reply to an OPEN for reading: the file has so many bytes at least. */
void splice_announce(const struct weaverfs *fs, fuse_ino_t ino, off_t size);
/* Answers the OPEN of a stream. -errno: nobody is there any more, no RELEASE will come. */
int splice_reply_stream(const struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino,
			const void *handle);
/* Whether a READ is for the page cache, which has one content for all: also of a mmap(2). */
bool splice_fills_cache(const struct fuse_file_info *fi);
