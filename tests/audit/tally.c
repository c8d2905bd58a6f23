/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/audit/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/error.h"

#define NR_IO_URING_ENTER 426

#define X(name, text, ring, detail) text,
static const char *const type_name[] = { EVENT_TYPES(X) };
#undef X
#define X(name, text, ring, detail) RING_##ring,
static const int type_ring[] = { EVENT_TYPES(X) };
#undef X
#define X(name, text) text,
static const char *const file_op[] = { FILE_OPS(X) };
static const char *const escape_op[] = { ESCAPE_OPS(X) };
#undef X

static const char *operation(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_FILE_WRITE:
	case EVENT_FILE_READ:
	case EVENT_FILE_METADATA:
	case EVENT_FILE_OPEN:
		return file_op[ev->file.op];
	case EVENT_ESCAPE:
		return escape_op[ev->escape.op];
	}
	return "";
}

static void name_of(const struct event *ev, char *name, size_t size)
{
	char number[16] = "";
	bool forgotten = ev->type == EVENT_EXEC && !(ev->flags & EVENT_FAILED);
	if (ev->type == EVENT_EXIT || forgotten)
		number[0] = '\0';
	/* by the caller's own hand or by a worker: the kernel decides */
	else if (ev->flags & EVENT_URING || ev->syscall == NR_IO_URING_ENTER)
		strcpy(number, "uring");
	else if (ev->syscall >= 0)
		snprintf(number, sizeof(number), "%s%d", ev->flags & EVENT_COMPAT ? "i" : "",
			 ev->syscall);
	snprintf(name, size, "%s/%s/%s", type_name[ev->type], operation(ev), number);
}

void tally_show(const struct event *ev)
{
	char name[80];
	size_t len[EVENT_TEXTS];
	const char *text[EVENT_TEXTS];
	name_of(ev, name, sizeof(name));
	for (unsigned i = 0; i < EVENT_TEXTS; i++)
		text[i] = event_text(ev, i, &len[i]);
	fprintf(stderr, "%s seq %llu cpu %u %u/%u %s flags %x '%.*s' '%.*s' '%.*s'\n", name,
		ev->seq, ev->cpu, ev->pid, ev->tid, ev->comm, ev->flags, (int)len[0], text[0],
		(int)len[1], text[1], (int)len[2], text[2]);
}

static void count(struct tally *t, const struct event *ev)
{
	char name[sizeof(t->key[0].name)];
	name_of(ev, name, sizeof(name));
	unsigned i = 0;
	while (i < t->keys && strcmp(t->key[i].name, name))
		i++;
	if (i == TALLY_KEYS)
		abort();
	if (i == t->keys)
		strcpy(t->key[t->keys++].name, name);
	t->key[i].count++;
}

void tally_add(struct tally *t, const struct event *ev)
{
	if (ev->cpu >= TALLY_CPUS)
		abort();
	if (ev->type == EVENT_LOST) {
		t->slot[ev->cpu][ev->lost.kind].lost += ev->lost.count;
		return;
	}
	t->records++;
	t->slot[ev->cpu][ev->type].received++;
	if (ev->seq >= t->next_seq[ev->cpu][ev->ring])
		t->next_seq[ev->cpu][ev->ring] = ev->seq + 1;
	if (ev->flags & EVENT_SETUP)
		t->setup++;
	else
		count(t, ev);
}

void tally_start(struct tally *t, struct probes *p, struct error *e)
{
	struct probes_counters c;
	if (!p || probes_counters(p, &c, e))
		return;
	for (unsigned cpu = 0; cpu < c.cpus && cpu < TALLY_CPUS; cpu++)
		for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
			const struct probes_count *n = &c.count[cpu][type_ring[type]][type];
			t->slot[cpu][type].produced_before = n->produced;
			t->slot[cpu][type].lost_before = n->lost;
		}
}

/* produced = received + told as lost, and told as lost = counted as lost, in each slot. */
static unsigned slots_wrong(const struct tally *t, const struct probes_counters *c)
{
	unsigned wrong = 0;
	for (unsigned cpu = 0; cpu < c->cpus; cpu++)
		for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
			const struct probes_count *n = &c->count[cpu][type_ring[type]][type];
			uint64_t produced = n->produced - t->slot[cpu][type].produced_before;
			uint64_t lost = n->lost - t->slot[cpu][type].lost_before;
			wrong +=
				produced != t->slot[cpu][type].received + t->slot[cpu][type].lost ||
				lost != t->slot[cpu][type].lost;
		}
	return wrong;
}

void tally_print(const struct tally *t, const struct probes_counters *c)
{
	printf("\"slots_wrong\":%u,\"setup\":%lu,\"totals\":{", slots_wrong(t, c), t->setup);
	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		uint64_t received = 0, lost = 0;
		for (unsigned cpu = 0; cpu < c->cpus; cpu++) {
			received += t->slot[cpu][type].received;
			lost += t->slot[cpu][type].lost;
		}
		printf("%s\"%s\":{\"received\":%lu,\"lost\":%lu}", type ? "," : "", type_name[type],
		       received, lost);
	}
	printf("},\"seen\":{");
	for (unsigned i = 0; i < t->keys; i++)
		printf("%s\"%s\":%u", i ? "," : "", t->key[i].name, t->key[i].count);
	printf("}");
}
