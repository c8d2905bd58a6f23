/* SPDX-License-Identifier: Apache-2.0 */
/* How far the HTTP sink is in the stream: a small file beside the buffer's segments. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct http_place {
	int fd;            /* -1: no file yet */
	uint64_t from, to; /* bytes of the batch that may be under way; from == to: none is */
	uint64_t records;  /* lines of the stream before from */
};

/* Makes the file where there is none. False: nothing good is in it; the rest of p is as before. */
bool http_place_load(struct http_place *p, const char *directory);
/* Failing costs a batch that is sent twice after a kill, no more. */
void http_place_save(struct http_place *p, uint64_t from, uint64_t to, uint64_t records);
void http_place_done(struct http_place *p);
