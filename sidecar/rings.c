/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/rings.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/object.h"
#include "sidecar/scope.h"

/* Records handed over in one poll: a producer that never ends must not keep us from the rest. */
#define POLL_MOST (1 << 16)
/* After so many records of the normal ring we look into the other one, which is small, again. */
#define LOT 256

static const __u8 ring_of[EVENT_TYPE_COUNT] = {
#define X(name, text, ring, detail) [EVENT_##name] = RING_##ring,
	EVENT_TYPES(X)
#undef X
};

struct rings {
	struct ring_buffer *buffers;
	int counters_fd, rounds_fd;
	unsigned cpus;
	struct scope_counters *now;                  /* of each possible CPU */
	struct scope_slot (*told)[EVENT_TYPE_COUNT]; /* what EVENT_LOST has said, by CPU */
	struct probes_count (*count)[RING_COUNT][EVENT_TYPE_COUNT];
	__u64 round;
	struct {
		const unsigned long *consumer, *producer; /* the rings' own pages */
		size_t size;
	} page[RING_COUNT];
	/* of the poll that is under way */
	probes_event_fn *fn;
	void *arg;
	int result;
	unsigned taken, lot;
};

#define TAKEN_ENOUGH (-ECANCELED)

static int take(void *arg, void *data, size_t size)
{
	struct rings *r = arg;
	const struct event *ev = data;
	if (!event_valid(ev, size)) {
		r->result = -EBADMSG;
		return TAKEN_ENOUGH;
	}
	r->result = r->fn(ev, r->arg);
	r->taken++;
	return r->result || ++r->lot == LOT ? TAKEN_ENOUGH : 0;
}

static int page_map(struct rings *r, enum event_ring ring, int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	long page = sysconf(_SC_PAGESIZE);
	void *consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	void *producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	r->page[ring].consumer = consumer == MAP_FAILED ? NULL : consumer;
	r->page[ring].producer = producer == MAP_FAILED ? NULL : producer;
	r->page[ring].size = info.max_entries;
	return r->page[ring].consumer && r->page[ring].producer ? 0 : -ENOMEM;
}

static int rings_map(struct rings *r, const struct object_set *s, struct error *e)
{
	int normal = object_map(s, "ring_normal"), critical = object_map(s, "ring_critical");
	r->buffers = ring_buffer__new(critical, take, r, NULL);
	if (!r->buffers || ring_buffer__add(r->buffers, normal, take, r))
		return error_set(e, errno, "rings: %s", strerror(errno));
	int n = page_map(r, RING_NORMAL, normal);
	if (!n)
		n = page_map(r, RING_CRITICAL, critical);
	return n ? error_set(e, -n, "rings: mmap: %s", strerror(-n)) : 0;
}

int rings_open(struct rings **ret, const struct object_set *s, struct error *e)
{
	struct rings *r = calloc(1, sizeof(*r));
	if (!r)
		return error_oom(e);
	r->counters_fd = object_map(s, "counters");
	r->rounds_fd = object_map(s, "rounds");
	r->cpus = libbpf_num_possible_cpus();
	r->now = calloc(r->cpus, sizeof(*r->now));
	r->told = calloc(r->cpus, sizeof(*r->told));
	r->count = calloc(r->cpus, sizeof(*r->count));
	int n = r->now && r->told && r->count ? rings_map(r, s, e) : error_oom(e);
	if (n) {
		rings_close(r);
		return n;
	}
	*ret = r;
	return 0;
}

void rings_close(struct rings *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < RING_COUNT; i++) {
		if (r->page[i].consumer)
			munmap((void *)(uintptr_t)r->page[i].consumer, sysconf(_SC_PAGESIZE));
		if (r->page[i].producer)
			munmap((void *)(uintptr_t)r->page[i].producer, sysconf(_SC_PAGESIZE));
	}
	ring_buffer__free(r->buffers);
	free(r->now);
	free(r->told);
	free(r->count);
	free(r);
}

int rings_fd(const struct rings *r)
{
	return ring_buffer__epoll_fd(r->buffers);
}

static int counters_read(struct rings *r, struct error *e)
{
	__u32 zero = 0;
	if (bpf_map_lookup_elem(r->counters_fd, &zero, r->now))
		return error_set(e, errno, "map counters: %s", strerror(errno));
	return 0;
}

/* The record that tells of what one slot has lost since it was asked last. */
static int tell_lost(struct rings *r, unsigned cpu, unsigned type)
{
	const struct scope_slot *slot = &r->now[cpu].slot[type];
	struct scope_slot *told = &r->told[cpu][type];
	if (slot->lost == told->lost)
		return 0;
	struct event ev = { .type = EVENT_LOST, .ring = ring_of[type], .syscall = -1 };
	ev.cpu = (__u16)cpu;
	ev.time_ns = slot->last_ns;
	ev.lost.kind = type;
	ev.lost.count = slot->lost - told->lost;
	/* a loss between our reading and the new round belongs to the older first_ns */
	ev.lost.first_ns = slot->first_ns > told->last_ns ? slot->first_ns : told->last_ns;
	ev.lost.last_ns = slot->last_ns;
	*told = *slot;
	return r->fn(&ev, r->arg);
}

static int tell_losses(struct rings *r, struct error *e)
{
	__u32 zero = 0;
	int n = counters_read(r, e);
	if (n)
		return n;
	r->round++;
	if (bpf_map_update_elem(r->rounds_fd, &zero, &r->round, BPF_ANY))
		return error_set(e, errno, "map rounds: %s", strerror(errno));
	for (unsigned cpu = 0; cpu < r->cpus; cpu++)
		for (unsigned type = 0; type < EVENT_TYPE_COUNT && !n; type++)
			n = tell_lost(r, cpu, type);
	return n;
}

/* Also what has not woken us; the critical ring first, and again after each lot. */
static int take_all(struct rings *r)
{
	int n;
	do {
		r->lot = 0;
		n = ring_buffer__consume(r->buffers);
	} while (n == TAKEN_ENOUGH && !r->result && r->taken < POLL_MOST);
	return n;
}

int rings_poll(struct rings *r, int timeout_ms, probes_event_fn *fn, void *arg, struct error *e)
{
	r->fn = fn;
	r->arg = arg;
	r->result = 0;
	r->taken = r->lot = 0;
	int n = ring_buffer__poll(r->buffers, timeout_ms);
	if (n >= 0 || n == -EINTR || n == TAKEN_ENOUGH)
		n = take_all(r);
	if (r->result == -EBADMSG)
		return error_set(e, EBADMSG, "rings: a record that is none");
	if (r->result)
		return r->result;
	if (n < 0 && n != TAKEN_ENOUGH)
		return error_set(e, -n, "rings: %s", strerror(-n));
	return tell_losses(r, e);
}

int rings_counters(struct rings *r, struct probes_counters *ret, struct error *e)
{
	int n = counters_read(r, e);
	if (n)
		return n;
	for (unsigned cpu = 0; cpu < r->cpus; cpu++)
		for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
			struct probes_count *c = &r->count[cpu][ring_of[type]][type];
			c->produced = r->now[cpu].slot[type].produced;
			c->lost = r->now[cpu].slot[type].lost;
		}
	*ret = (struct probes_counters){ .cpus = r->cpus, .count = r->count };
	for (unsigned i = 0; i < RING_COUNT; i++) {
		unsigned long consumer = __atomic_load_n(r->page[i].consumer, __ATOMIC_ACQUIRE);
		unsigned long producer = __atomic_load_n(r->page[i].producer, __ATOMIC_ACQUIRE);
		ret->ring_used[i] = producer - consumer;
		ret->ring_size[i] = r->page[i].size;
	}
	return 0;
}
