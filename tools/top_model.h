/* SPDX-License-Identifier: Apache-2.0 */
/* What `weaver top` knows: weavers as last listed, what was measured of each, order and choice. */
#pragma once
#include <stdbool.h>

#include "tools/rows.h"
#include "tools/top_usage.h"

enum top_sort { TOP_NAME, TOP_STATUS, TOP_TTL, TOP_CPU, TOP_MEMORY, TOP_EVENTS };

struct top_row {
	struct row row; /* owned */
	struct top_usage usage;
	double events_per_s; /* -1: unknown */
	int64_t asked_ns;    /* CLOCK_MONOTONIC; 0: never */
	int64_t due_ns;      /* not to be asked before */
};

struct top_model {
	const char *mount; /* borrowed */
	struct top_row *all;
	size_t n;
	enum top_sort sort;
	bool reverse;
	char chosen[80]; /* its name: it stays chosen when the order changes */
	char filter[64]; /* part of a name; "": all */
	bool measured;   /* anything ever was */
	int64_t unmeasured_until_ns;
};

/* Lists them anew; what was measured stays with who is still there. -errno. */
int top_model_load(struct top_model *m, struct error *e);
void top_model_done(struct top_model *m);
void top_model_sort(struct top_model *m);
/* The i-th shown row (filter counted), or NULL. */
struct top_row *top_model_shown(struct top_model *m, size_t i);
size_t top_model_count(const struct top_model *m);
/* Where the chosen one is among the shown; 0 where it is not there any more. */
size_t top_model_chosen(struct top_model *m);
void top_model_choose(struct top_model *m, long i); /* clamped */

/* Whom to ask next for what he uses; NULL: nobody is due. */
struct top_row *top_model_due(struct top_model *m, int64_t now_ns);
void top_model_take(struct top_model *m, const struct top_answer *answer, int64_t now_ns);
