/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/logs/lost_line.h"

#include <inttypes.h>
#include <stdio.h>

size_t lost_line_print(char out[LOST_LINE_SIZE], const char *reason, int64_t at_ns, uint64_t from,
		       const uint64_t *to)
{
	char at[48] = "", end[32] = "";

	if (at_ns)
		snprintf(at, sizeof(at), "\"timestamp_ns\":%" PRId64 ",", at_ns);
	if (to)
		snprintf(end, sizeof(end), ",\"to\":%" PRIu64, *to);
	return (size_t)snprintf(out, LOST_LINE_SIZE,
				"{%s\"event_type\":\"audit_lost\",\"details\":{" LOST_LINE_REASON(
					"%s") ",\"from\":%" PRIu64 "%s}}\n",
				at, reason, from, end);
}
