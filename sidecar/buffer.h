/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of the buffer on disk (segment.h): the one lossless sink. It holds max_bytes in all;
 * when it is full the oldest segment goes. One thread; readers are other threads and processes and
 * need nothing of it (buffer_reader.h).
 *
 * Nothing is synced: what is promised is to survive the death of the sidecar, not of the node, with
 * which the pod dies, too.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "sidecar/segment.h"

struct buffer;
struct error;

/* Lines that are about to go: one frame of a dropped segment. Borrowed. */
typedef void buffer_lines_fn(void *arg, const char *lines, size_t len);

/*
 * Opens or makes the buffer in dir. What a kill has left half written is cut off. last is called
 * with the frames of the newest segment, in order: the caller's chain goes on from there.
 */
int buffer_open(const char *dir, int64_t max_bytes, buffer_lines_fn *last, void *arg,
		struct buffer **ret, struct error *e);
void buffer_close(struct buffer *b);
/* Called with what is dropped, before it is. */
void buffer_on_drop(struct buffer *b, buffer_lines_fn *dropped, void *arg);

/* What the newest segment says of the batch before it; batch 0 and zeros: a new stream. */
const struct segment_head *buffer_head(const struct buffer *b);

/*
 * One frame of whole lines, at most SEGMENT_FRAME_MAX bytes. batch and hash: of the last batch
 * before these lines; a segment may begin here when begins_batch. Without room on the disk the
 * oldest segments are dropped until there is; -ENOSPC: none is left to drop. All or nothing.
 */
struct buffer_lines {
	const char *lines;
	size_t len;
	uint32_t records;
	bool begins_batch;
	uint64_t batch;
	const char *hash; /* SEGMENT_HASH_LEN characters */
};
int buffer_append(struct buffer *b, const struct buffer_lines *lines, struct error *e);

struct buffer_state {
	uint64_t oldest, end;               /* bytes of the stream */
	uint64_t oldest_record, end_record; /* lines of the stream */
	int64_t size, max;                  /* bytes on the disk */
	int64_t oldest_ns;                  /* when the oldest segment was made; 0: empty */
};
void buffer_state(const struct buffer *b, struct buffer_state *ret);
