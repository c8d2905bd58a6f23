/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of the buffer on disk: another process (audit-sidecar tail) or thread (the HTTP sink)
 * than its writer. Its place is a byte of the stream, the cursor, so a reader that has written n
 * bytes goes on n bytes further, whether they ended with a line or not.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/segment.h"

struct buffer_reader;
struct error;

#define BUFFER_READER_OLDEST UINT64_MAX

/* From byte `after` on, or from the oldest that is there. */
int buffer_reader_open(const char *dir, uint64_t after, struct buffer_reader **ret,
		       struct error *e);
void buffer_reader_close(struct buffer_reader *r);

/* What stands from the reader's place to the end of one frame; borrowed until the next call. */
struct buffer_chunk {
	const char *lines;
	size_t len;
	uint64_t offset;  /* of the first byte */
	uint64_t records; /* lines of the stream before it; one that it begins in counts */
	uint32_t count;   /* lines that begin in it */
};
/*
 * 1: *ret is it, and the place is behind it; 0: the end, there may be more later. -ESTALE: the
 * bytes are gone: buffer_reader_skip() goes on at the oldest that are there.
 */
int buffer_reader_next(struct buffer_reader *r, struct buffer_chunk *ret, struct error *e);
/* Goes on from byte `place`, before or behind where it is. */
void buffer_reader_seek(struct buffer_reader *r, uint64_t place);
uint64_t buffer_reader_place(const struct buffer_reader *r);
/* After 0 of buffer_reader_next(): the place is beyond all that was ever written. */
bool buffer_reader_is_beyond(const struct buffer_reader *r);
uint64_t buffer_reader_end(const struct buffer_reader *r); /* then: of what was written */
/* Returns 0 and where the place is now, in *ret; when the buffer is empty, that is where it was. */
int buffer_reader_skip(struct buffer_reader *r, uint64_t *ret, struct error *e);
