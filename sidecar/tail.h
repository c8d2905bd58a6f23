/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit-sidecar tail: the lossless way out of the buffer. What it writes to stdout are the bytes of
 * the stream from byte CURSOR on, nothing else, so who has taken n bytes goes on at CURSOR + n, be
 * it in the middle of a line. What it has to say goes to stderr, and into its exit status.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/buffer_reader.h"

struct error;

#define TAIL_EXIT_GONE 3 /* bytes from CURSOR on were dropped; stderr says which are the oldest */
/* The stream ends before CURSOR: it is another stream, or who asks wants to know where it ends. */
#define TAIL_EXIT_BEYOND 4

struct tail_options {
	const char *dir;
	uint64_t after; /* BUFFER_READER_OLDEST: what there is */
	bool follow;    /* else: to the end */
};
/*
 * Until the end, or until nobody reads out_fd any more. Returns an exit status; 1 with words in e.
 */
int tail_run(const struct tail_options *options, int out_fd, struct error *e);
