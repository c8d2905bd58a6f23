/* SPDX-License-Identifier: Apache-2.0 */
/* What spool.c, which writes, and spool_reader.c share. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/logs/lost_line.h"
#include "fs/logs/spool.h"
#include "k8s/base/lock.h"

/* How the offsets of a reader map to bytes: the gap line, then everything from resume on. */
struct spool_view {
	off_t gap_at; /* offset of the line; below it nothing can be read any more */
	off_t from;   /* the line stands for the bytes [from, resume); none when equal */
	off_t resume; /* the byte at offset gap_at + gap_len */
	size_t gap_len;
	enum spool_kind kind;
	char gap[1 + LOST_LINE_SIZE];
};

struct spool {
	int refs;                  /* atomic */
	int discard;               /* atomic: remove the files with the last reference */
	int fd, pos_fd;            /* owned; pos_fd -1: unnamed, nothing is recorded */
	char *log_path, *pos_path; /* owned; NULL: unnamed */
	off_t cap;
	uint64_t sequence;            /* of the last record; cluster thread */
	struct log_position position; /* as last recorded; cluster thread */

	struct lock lock; /* LOCK_LEAF, guards what follows; the cluster thread alone writes the
			     bounds */
	off_t start, end; /* the bytes that count */
	int64_t changed_ns;
	unsigned readers;
	struct spool_view view; /* of new readers, and of st_size; kept while there are readers */
};

/* spool_reader.c: the gap line for [from, to) at an offset; a broken line is ended first. */
void spool_reader_cut(struct spool_view *v, off_t at, off_t from, off_t to, bool at_line);
