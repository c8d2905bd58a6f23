/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one container instance: a file of lines, each behind its stamp of nine digits. Stamps
 * rise strictly. A line is written when its newline comes, when it passes 16 KiB, or at the end; so
 * a prompt shows up with the next newline, as with a real kubelet. A file of 10 MiB (64 while it is
 * followed) is rotated: offsets go on, but what is below logfile_start() cannot be read any more.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/base/list.h"

#define LOGFILE_STAMP 31 /* RFC 3339 with nine digits and a blank */

struct logfile;

struct logfile_reader {
	struct list all;
	void (*grown)(struct logfile_reader *reader); /* more to read, or the end came */
};

struct logfile *logfile_new(const char *path, bool tty, struct error *e);
struct logfile *logfile_ref(struct logfile *l);
void logfile_unref(struct logfile *l);
DEFINE_CLEANUP(struct logfile *, logfile_unref)

/* stream 0 is stdout, 1 stderr: their unfinished lines do not mix. */
void logfile_append(struct logfile *l, int stream, const char *data, size_t len);
void logfile_end(struct logfile *l);

bool logfile_ended(const struct logfile *l);
off_t logfile_start(const struct logfile *l);
off_t logfile_size(const struct logfile *l);
ssize_t logfile_read(const struct logfile *l, off_t offset, char *out, size_t size);
void logfile_follow(struct logfile *l, struct logfile_reader *reader);
