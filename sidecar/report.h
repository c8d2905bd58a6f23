/* SPDX-License-Identifier: Apache-2.0 */
/* The sidecar's records about itself: what began, what is missing, what is complete. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/encode.h"
#include "sidecar/stats.h"

struct chain;
struct error;
struct ledger;
struct limit_row;
struct probes_counters;
struct seen;
struct settings;
struct tally_row;

/* What an audit_start says of the scope; groups are those of stats. */
struct report_scope {
	uint64_t pod_cgroup;
	unsigned level;
	bool v1;
	const char *pod;
};

void report_start(const struct encoder *c, const struct settings *settings, const struct seen *seen,
		  const struct report_scope *scope, struct stats *stats, struct line *l);
void report_gap(const struct encoder *c, const struct seen *seen, int64_t to_ns, struct line *l);
/* audit_lost of lines that are given up. */
void report_lost(const struct encoder *c, enum stats_drop drop, const struct tally_row *row,
		 struct line *l);
void report_unsendable(const struct encoder *c, enum stats_drop drop, uint64_t count,
		       struct line *l);
/* audit_limit: a kind has begun to be left out, or that has ended. */
void report_limit(const struct encoder *c, const struct limit_row *row, uint64_t rate,
		  struct line *l);
/* The counters; produced may be NULL: not known. */
void report_heartbeat(const struct encoder *c, const struct seen *seen, const struct ledger *ledger,
		      struct stats *stats, const struct probes_counters *produced, struct line *l);
/*
 * The end of a batch (chain.h) that pending, of len bytes, belongs to; lines: how many the batch
 * has with this one. *ret_rows: how many rows of the ledger it carries. end: the last of this run.
 */
struct report_batch {
	uint64_t run, offset, lines; /* offset: of the batch's first byte in the stream */
	const char *pending;
	size_t len;
	bool end;
};
int report_batch(const struct encoder *c, const struct report_batch *batch,
		 const struct chain *chain, const struct ledger *ledger, struct line *l,
		 unsigned *ret_rows, struct error *e);
