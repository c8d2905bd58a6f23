/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Until when the record is complete, in a small file beside the segments, so that the next run of
 * the sidecar can say from when to when nobody looked.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct error;

struct seen {
	int fd;
	uint64_t run;    /* this one; the first is 1 */
	int64_t last_ns; /* realtime: what the run before has recorded to; 0: there was none */
	bool clean;      /* it ended by itself */
};

/* Takes the next run's number. On error it can be used and remembers nothing. */
int seen_open(struct seen *s, const char *dir, struct error *e);
/* All until then is in the buffer. 0 or -errno. */
int seen_mark(struct seen *s, int64_t realtime_ns, bool clean);
void seen_done(struct seen *s);
