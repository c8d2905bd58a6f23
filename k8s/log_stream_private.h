/* SPDX-License-Identifier: Apache-2.0 */
/* The times of log_stream.c, which only its test changes. */
#pragma once
#include <stdint.h>

struct log_stream_timing {
	int64_t retry_ms, retry_max_ms; /* after the end of a request, doubling */
	int64_t denied_ms;              /* after an answer that time alone will not change */
	int64_t read_stall_ms;          /* silence allowed in a read that does not follow */
	int64_t ended_stall_ms;         /* in one that follows a container that has ended */
	int64_t guard_ms[5]; /* silence after which a follow is asked again, step by step */
};
extern struct log_stream_timing log_stream_timing;
