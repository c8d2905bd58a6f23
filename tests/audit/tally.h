/* SPDX-License-Identifier: Apache-2.0 */
/* What was received, by kind and by (cpu, ring): to compare with what was done and produced. */
#pragma once
#include "sidecar/probes.h"

#define TALLY_KEYS 1024
#define TALLY_CPUS 256

struct error;

struct tally {
	struct {
		char name[80]; /* as audit-load names deeds */
		unsigned count;
	} key[TALLY_KEYS];
	unsigned keys;
	unsigned long records, setup;
	struct {
		uint64_t received, lost; /* lost as EVENT_LOST told */
		uint64_t produced_before, lost_before;
	} slot[TALLY_CPUS][EVENT_TYPE_COUNT];
	uint64_t next_seq[TALLY_CPUS][RING_COUNT]; /* one more than the highest seen */
};

/* From here on; records made before do not count. */
void tally_start(struct tally *t, struct probes *p, struct error *e);
void tally_add(struct tally *t, const struct event *ev);
void tally_print(const struct tally *t, const struct probes_counters *c);
void tally_show(const struct event *ev);
