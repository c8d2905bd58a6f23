/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that are given up, counted by kind and (cpu, ring), out of the lines themselves: this
 * happens when the buffer is full, and needs no books to be kept for it before.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/event.h"

#define TALLY_OWN EVENT_TYPE_COUNT /* the sidecar's own records: no cpu, no ring */

struct tally;

struct tally_row {
	unsigned type, cpu, ring;
	uint64_t count;
	int64_t first_ns, last_ns; /* timestamps */
};

struct tally *tally_new(void); /* NULL: out of memory */
void tally_free(struct tally *t);
void tally_add(struct tally *t, const char *lines, size_t len);
bool tally_is_empty(const struct tally *t);
/* Takes one row out. false: none is left. */
bool tally_take(struct tally *t, struct tally_row *ret);

/* type, cpu, ring, seq and timestamp of a line; false: no seq, one of the sidecar's own. */
bool tally_parse(const char *line, size_t len, struct tally_row *ret, uint64_t *ret_seq);
