/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor says: a line for each thing it looked at, and the cure below what is wrong. */
#pragma once
#include <stdbool.h>

#include "tools/cluster/trouble.h"

enum report_level { REPORT_WARNING, REPORT_BAD };

struct report {
	const char *namespace_; /* borrowed; for cures */
	bool coloured;
	unsigned bad, warnings;
	bool said[TROUBLE_N]; /* that are bad */
};

void report_good(struct report *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_skipped(struct report *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_trouble(struct report *r, enum report_level level, enum trouble_id id, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
