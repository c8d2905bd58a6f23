/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the probes as JSON lines. Each has Loom's envelope: weaver_id org_id owner_user_id
 * timestamp_ns pid tid comm event_type details{}; and ours: seq [cpu, ring, number], ns_pid (the
 * pid inside the container), start (of the process, in clock ticks since the host's boot, as field
 * 22 of /proc/PID/stat: pid and start are the key of a process). What is so in rare cases only is
 * left out else: truncated paths, detached or deleted files, and the like. docs/audit.md has the
 * table.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/event.h"
#include "sidecar/line.h"

struct error;
struct names;

struct encoder {
	size_t prefix_len;
	int64_t boot_ns;     /* CLOCK_REALTIME - CLOCK_BOOTTIME, see encode_set_clock() */
	int64_t tick_ns;     /* a clock tick */
	struct names *names; /* borrowed: what addresses are called */
	char prefix[1024];   /* {"weaver_id":…,"timestamp_ns": */
};

int encode_init(struct encoder *c, const char *weaver_id, const char *org_id,
		const char *owner_user_id, struct names *names, struct error *e);
/* Looks at the clocks again: the wall clock may be set. */
void encode_set_clock(struct encoder *c);
int64_t encode_realtime(const struct encoder *c, uint64_t boottime_ns);

/* Loom's word for it; also of audit_task and audit_lost. */
const char *encode_type_name(unsigned type);
/* sample: 1 in so many of its like are listed; 0: all. Ends with the newline. */
void encode_event(const struct encoder *c, const struct event *ev, uint32_t sample, struct line *l);

/*
 * A record of the sidecar about itself: encode_begin(), the members of details, encode_end(). type
 * is "audit_…"; it has no seq.
 */
void encode_begin(const struct encoder *c, struct line *l, const char *type, int64_t realtime_ns);
void encode_end(struct line *l);

/* encode_details.c: the members of details. */
void encode_details_add(const struct encoder *c, const struct event *ev, struct line *l);
