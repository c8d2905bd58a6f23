/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files that are a command: of exec a new one for each open, of stdin the weaver's main
 * process. Everything happens on the ws thread; what finds no room or nothing to read is parked.
 *
 * exec: the first line that is written is for `sh -c`, what follows is its input until the first
 * read; reads give what it prints, both streams as they come, and EOF when it has ended. A read
 * before any write is EOF. A close ends the command.
 *
 * stdin: what is written goes to the main process, whose input never ends; close(2) waits until it
 * is on its way.
 */
#pragma once
#include <fuse_lowlevel.h>

#include "fs/weaverfs.h"

struct enter_file; /* one open file */
struct enter_files;

int enter_file_new(struct weaverfs *fs, struct enter_files **ret, struct error *e);
/* ws thread: ends all commands, and answers what is parked with EIO. */
void enter_file_close_all(struct enter_files *files);
void enter_file_free(struct enter_files *files); /* NULL allowed */

/* ---- from ops; all take req and answer it ---- */
void enter_file_open(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino,
		     const struct fuse_file_info *fi, const struct caller *caller);
void enter_file_read(fuse_req_t req, size_t size, const struct fuse_file_info *fi);
void enter_file_write(fuse_req_t req, const char *data, size_t size,
		      const struct fuse_file_info *fi);
void enter_file_flush(fuse_req_t req, const struct fuse_file_info *fi);
void enter_file_release(fuse_req_t req, const struct fuse_file_info *fi);
/* Takes ph (may be NULL). */
void enter_file_poll(fuse_req_t req, const struct fuse_file_info *fi, struct fuse_pollhandle *ph);
