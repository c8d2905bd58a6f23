/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults on demand: PUT /_kubesim/faults with {"rules":[…]} replaces the rules, GET shows them with
 * their remaining counts, DELETE clears. A rule matches by verb (get, list, watch, create, update,
 * patch, delete, deletecollection, or an HTTP method; absent: any) and by "path", a shell pattern
 * over path?query. "skip" lets the first n matches pass, "count" ends the rule after n more. Then:
 *
 *	delay_ms                 the request waits
 *	status, reason, message, retry_after, text   the answer, a Status (text: a plain body)
 *	reset_after              the connection is reset after so many bytes; 0: at once
 *	end_after_events         a watch ends cleanly after n events
 *	stall_after              after so many bytes nothing more comes, the connection stays
 *	chunk                    chunks of the response are at most so many bytes
 *	error                    a watch begins with an ERROR frame of this code (410, 500, …)
 *	events: drop|duplicate|reorder   of the first "events_count" (1) events of a watch
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;

enum fault_events {
	FAULT_EVENTS_NONE,
	FAULT_EVENTS_DROP,
	FAULT_EVENTS_DUPLICATE,
	FAULT_EVENTS_REORDER
};

/* What the rule that matched does to one request; zeroed: nothing. */
struct fault_state {
	int status; /* answer with this, 0: serve */
	int retry_after;
	char reason[64];
	char message[256];
	bool text;
	size_t chunk_bytes;
	bool limited; /* reset_after or stall_after holds */
	bool reset_at_limit;
	size_t reset_after;   /* bytes left until reset or stall */
	bool reset, stalled;  /* the limit was reached */
	int error_frame;      /* HTTP code, 0: none */
	int end_after_events; /* -1 when set and used up, 0: no limit */
	enum fault_events events;
	int events_count;
};

/* Finds the rule for r and sets r->fault. Returns how long to wait first, in ms. */
int64_t fault_match(struct request *r);
/* How many of n bytes may be sent now; sets reset or stalled when the limit is reached. */
size_t fault_limit(struct fault_state *f, size_t n);
/* Answers r as its fault says; false: r is to be served. */
bool fault_answer(struct request *r);
/* /_kubesim/faults */
void fault_serve(struct request *r);
void fault_done(void);
