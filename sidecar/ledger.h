/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of each number of each (cpu, ring). Numbers are given before a record is reserved, so
 * next = listed + filtered + missing holds at every moment by what user space sees, and missing is
 * in the end what the rings report as lost. A batch carries these sums for the pairs that moved:
 * who has the lines can count them. They begin anew with each run of the sidecar.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/event.h"

struct ledger;

#define LEDGER_CPUS 1024

struct ledger_row {
	uint64_t next;   /* the number that is expected; those before it have been accounted for */
	uint64_t listed; /* lines in the stream */
	uint64_t filtered; /* taken out on purpose */
	uint64_t missing;  /* never came, or could not be kept */
	bool moved;        /* since ledger_settle() */
};

struct ledger *ledger_new(void); /* NULL: out of memory */
void ledger_free(struct ledger *l);

/* A record came: what was missed before it is known now. listed: a line is made of it. */
void ledger_see(struct ledger *l, unsigned cpu, unsigned ring, uint64_t seq, bool listed);
/* Lines that were made and could not be kept after all. */
void ledger_unlist(struct ledger *l, unsigned cpu, unsigned ring, uint64_t count);
/* The next row that has moved, from *cpu, *ring on; NULL: no more. Begin with 0, 0. */
const struct ledger_row *ledger_next_moved(const struct ledger *l, unsigned *cpu, unsigned *ring);
/* The first n rows that have moved have not. */
void ledger_settle(struct ledger *l, unsigned n);
/* Sums over all. */
void ledger_total(const struct ledger *l, struct ledger_row *ret);
