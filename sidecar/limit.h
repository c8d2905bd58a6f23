/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket for each kind of the normal ring: a flood of one kind must not push the rest of
 * the record out of a buffer that holds only so much. Executions, privileges and escapes have none.
 * What goes over is told: one record when a kind begins to, one with how many when it has ended.
 * Time is that of the records. One thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/event.h"

#define LIMIT_BURST_S 10 /* a bucket holds what comes in so many seconds */

struct limit_kind {
	uint64_t tokens, filled_ns; /* CLOCK_BOOTTIME; 0: never filled */
	uint64_t over;              /* records left out since it began to; 0: it is within */
	uint64_t first_ns, last_ns; /* of these */
	bool told;                  /* that it has begun */
};

struct limit {
	uint64_t rate; /* records of a kind a second; 0: no limit */
	struct limit_kind kind[EVENT_TYPE_COUNT];
};

/* A time when a kind went over; over and ended are as of now. */
struct limit_row {
	unsigned type;
	bool ended;
	uint64_t over, first_ns, last_ns; /* CLOCK_BOOTTIME */
};

/* Whether there is room for this record: false: it is counted. */
bool limit_take(struct limit *l, const struct event *ev);
/*
 * What is to be told now: each beginning once, each end once, an end being a second without going
 * over, or `last`. false: nothing more.
 */
bool limit_tell(struct limit *l, uint64_t now_ns, bool last, struct limit_row *ret);
