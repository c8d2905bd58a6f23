/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer on disk: segments, files that are written once and dropped as a whole. The stream of
 * all lines ever recorded is numbered by bytes, from 0; a segment holds the bytes from `base` on
 * and is named after it. A segment is one segment_head, then frames: segment_frame and its lines,
 * whole ones. A frame counts when its sum is right, so a write that was cut short has not
 * happened. In host byte order: a buffer does not travel.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define SEGMENT_MAGIC "LOOMAUD1"
#define SEGMENT_FRAME_MAX (8U << 20) /* bytes of lines in a frame */
#define SEGMENT_HASH_LEN 64          /* lower case hex of SHA-256 */

struct segment_head {
	char magic[8];
	uint64_t base;    /* byte of the stream that the first frame begins with */
	uint64_t records; /* lines before it */
	uint64_t batch;   /* number of the last batch before it, see chain.h */
	int64_t created_ns;
	char hash[SEGMENT_HASH_LEN]; /* of that batch */
	uint32_t pad;
	uint32_t sum; /* CRC-32 of all before */
};

struct segment_frame {
	uint32_t len;
	uint32_t records; /* lines in it */
	uint32_t pad;
	uint32_t sum; /* CRC-32 of the stream's byte number, len, records and the lines */
};

#define SEGMENT_NAME_LEN 20 /* 16 digits of hex, ".seg" */

void segment_name(uint64_t base, char out[SEGMENT_NAME_LEN + 1]);
bool segment_parse_name(const char *name, uint64_t *ret_base);
uint32_t segment_head_sum(const struct segment_head *head);
uint32_t segment_frame_sum(const struct segment_frame *frame, uint64_t offset, const void *lines);

/* 1: *ret is a sound head of a segment with this base; 0: it is not (yet); -errno. */
int segment_read_head(int fd, uint64_t base, struct segment_head *ret);
/*
 * The frame at position `at` of the file, whose first byte is number `offset`; lines has room for
 * SEGMENT_FRAME_MAX. 1: it is whole; 0: it is not, or there is none (yet); -errno.
 */
int segment_read_frame(int fd, int64_t at, uint64_t offset, struct segment_frame *ret, char *lines);

/* The bases of all segments in dir_fd, rising. Returns owned array (NULL: none), or -errno. */
int segment_list(int dir_fd, uint64_t **ret, size_t *ret_count, struct error *e);
