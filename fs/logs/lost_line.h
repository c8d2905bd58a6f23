/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of JSON that stands in an audit trail for bytes of the sidecar's stream that weaverfs
 * does not have: `audit_lost` of stage weaverfs (docs/audit.md). Pure.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define LOST_LINE_SIZE 256

/* What is in such a line, and in no other, when this is its reason. */
#define LOST_LINE_REASON(reason) "\"stage\":\"weaverfs\",\"reason\":\"" reason "\""

/* at_ns: CLOCK_REALTIME, 0: not said; to NULL: not known. Returns the length, newline counted. */
size_t lost_line_print(char out[LOST_LINE_SIZE], const char *reason, int64_t at_ns, uint64_t from,
		       const uint64_t *to);
