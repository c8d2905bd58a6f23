/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail of an audit sidecar, looked at line by line: does its hash chain hold, and is each
 * number of each (cpu, ring) accounted for? The format is that of docs/audit.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trail;

/* One sentence that names a hole. */
typedef void trail_hole_fn(void *arg, const char *text);

struct trail *trail_new(trail_hole_fn *hole, void *arg); /* NULL: out of memory */
void trail_free(struct trail *t);
/* One line with its newline; without one it is the last and has not been written in whole. */
void trail_line(struct trail *t, const char *line, size_t len);

struct trail_sums {
	uint64_t lines, batches, runs, gaps, holes;
	uint64_t listed, filtered, missing; /* of the numbers, as batches say */
	uint64_t reported;                  /* of the missing: told of by audit_lost */
	uint64_t open;                      /* lines behind the last batch: not covered yet */
	bool ended;                         /* the last batch was the last of its run */
};
void trail_end(struct trail *t, struct trail_sums *ret);
