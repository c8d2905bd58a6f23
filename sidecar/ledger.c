/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of all processors the kernel may have: 80 KiB, of which what is not used is never
 * touched.
 */
#include "sidecar/ledger.h"

#include <stdlib.h>

struct ledger {
	unsigned cpus; /* rows below it may have moved */
	struct ledger_row rows[LEDGER_CPUS][RING_COUNT];
};

struct ledger *ledger_new(void)
{
	return calloc(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *l)
{
	free(l);
}

static struct ledger_row *row(struct ledger *l, unsigned cpu, unsigned ring)
{
	cpu %= LEDGER_CPUS;
	if (cpu >= l->cpus)
		l->cpus = cpu + 1;
	return &l->rows[cpu][ring];
}

void ledger_see(struct ledger *l, unsigned cpu, unsigned ring, uint64_t seq, bool listed)
{
	struct ledger_row *r = row(l, cpu, ring);

	r->moved = true;
	if (seq >= r->next) {
		r->missing += seq - r->next;
		r->next = seq + 1;
	} else if (r->missing > 0) {
		r->missing--; /* it came after one of a higher number: not missing, late */
	}
	if (listed)
		r->listed++;
	else
		r->filtered++;
}

void ledger_unlist(struct ledger *l, unsigned cpu, unsigned ring, uint64_t count)
{
	struct ledger_row *r = row(l, cpu, ring);

	r->moved = true;
	r->listed -= count;
	r->missing += count;
}

const struct ledger_row *ledger_next_moved(const struct ledger *l, unsigned *cpu, unsigned *ring)
{
	for (; *cpu < l->cpus; *ring = 0, ++*cpu) {
		for (; *ring < RING_COUNT; ++*ring)
			if (l->rows[*cpu][*ring].moved)
				return &l->rows[*cpu][*ring];
	}
	return NULL;
}

void ledger_settle(struct ledger *l, unsigned n)
{
	unsigned cpu = 0, ring = 0;

	for (; n > 0 && ledger_next_moved(l, &cpu, &ring); n--)
		l->rows[cpu][ring].moved = false;
}

void ledger_total(const struct ledger *l, struct ledger_row *ret)
{
	*ret = (struct ledger_row){ 0 };
	for (unsigned cpu = 0; cpu < l->cpus; cpu++) {
		for (unsigned ring = 0; ring < RING_COUNT; ring++) {
			const struct ledger_row *r = &l->rows[cpu][ring];

			ret->next += r->next;
			ret->listed += r->listed;
			ret->filtered += r->filtered;
			ret->missing += r->missing;
		}
	}
}
