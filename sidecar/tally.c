/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are ours (encode.c): within a string each quote has a backslash before it, so the text
 * ,"seq":[ is never part of one.
 */
#include "sidecar/tally.h"

#include <stdlib.h>
#include <string.h>

#include "sidecar/encode.h"
#include "sidecar/ledger.h"

struct cell {
	uint64_t count;
	int64_t first_ns, last_ns;
};

struct tally {
	unsigned cpus; /* cells[] below it may be there */
	uint64_t total;
	struct cell own;
	struct cell (*cells[LEDGER_CPUS])[RING_COUNT][EVENT_TYPE_COUNT]; /* owned; NULL: none */
};

struct tally *tally_new(void)
{
	return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *t)
{
	for (unsigned cpu = 0; t && cpu < t->cpus; cpu++)
		free(t->cells[cpu]);
	free(t);
}

static const char *find(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);
	const char *at = memmem(line, len, key, n);

	return at ? at + n : NULL;
}

static unsigned type_of(const char *name)
{
	size_t len = strcspn(name, "\"");

	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++)
		if (strncmp(encode_type_name(i), name, len) == 0 && !encode_type_name(i)[len])
			return i;
	return TALLY_OWN;
}

bool tally_parse(const char *line, size_t len, struct tally_row *ret, uint64_t *ret_seq)
{
	const char *stamp = find(line, len, "\"timestamp_ns\":");
	const char *type = find(line, len, "\"event_type\":\"");
	const char *seq = type ? find(type, (size_t)(line + len - type), ",\"seq\":[") : NULL;
	char *end;

	*ret = (struct tally_row){ .type = TALLY_OWN, .count = 1 };
	if (stamp)
		ret->first_ns = ret->last_ns = strtoll(stamp, NULL, 10);
	if (!seq)
		return false;
	ret->type = type_of(type);
	ret->cpu = (unsigned)strtoul(seq, &end, 10);
	ret->ring = *end == ',' ? (unsigned)strtoul(end + 1, &end, 10) : RING_COUNT;
	*ret_seq = *end == ',' ? strtoull(end + 1, &end, 10) : 0;
	return ret->type < TALLY_OWN && ret->cpu < LEDGER_CPUS && ret->ring < RING_COUNT;
}

static struct cell *cell(struct tally *t, const struct tally_row *r)
{
	if (!t->cells[r->cpu])
		t->cells[r->cpu] = calloc(1, sizeof(*t->cells[r->cpu]));
	if (r->cpu >= t->cpus)
		t->cpus = r->cpu + 1;
	return t->cells[r->cpu] ? &(*t->cells[r->cpu])[r->ring][r->type] : &t->own;
}

void tally_add(struct tally *t, const char *lines, size_t len)
{
	const char *end = lines + len, *newline;
	struct tally_row row;
	uint64_t seq;

	for (; (newline = memchr(lines, '\n', (size_t)(end - lines))); lines = newline + 1) {
		bool has_seq = tally_parse(lines, (size_t)(newline - lines), &row, &seq);
		struct cell *c = has_seq ? cell(t, &row) : &t->own;

		if (c->count++ == 0)
			c->first_ns = row.first_ns;
		c->last_ns = row.last_ns;
		t->total++;
	}
}

bool tally_is_empty(const struct tally *t)
{
	return t->total == 0;
}

static bool take(struct tally *t, struct cell *c, struct tally_row *ret)
{
	if (c->count == 0)
		return false;
	ret->count = c->count;
	ret->first_ns = c->first_ns;
	ret->last_ns = c->last_ns;
	t->total -= c->count;
	*c = (struct cell){ 0 };
	return true;
}

bool tally_take(struct tally *t, struct tally_row *ret)
{
	for (unsigned cpu = 0; cpu < t->cpus; cpu++) {
		for (unsigned i = 0; t->cells[cpu] && i < RING_COUNT * EVENT_TYPE_COUNT; i++) {
			unsigned ring = i / EVENT_TYPE_COUNT, type = i % EVENT_TYPE_COUNT;

			*ret = (struct tally_row){ .type = type, .cpu = cpu, .ring = ring };
			if (take(t, &(*t->cells[cpu])[ring][type], ret))
				return true;
		}
	}
	*ret = (struct tally_row){ .type = TALLY_OWN };
	return take(t, &t->own, ret);
}
