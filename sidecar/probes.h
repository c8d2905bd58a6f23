/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes as the rest of the sidecar sees them: open, take a snapshot, poll, close. One thread
 * calls all of it. Private probes: this process holds the programs, and they end with it.
 *
 * The scope is the pod of this process: the innermost ancestor of its cgroup that is named pod… or
 * …-pod… (kubelet's names under cgroupfs and systemd). Without such an ancestor probes_open fails
 * and nothing is recorded.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/event.h"

struct error;
struct probes;

struct probes_options {
	size_t ring_bytes;          /* power of two; 0: 8 MiB */
	size_t critical_ring_bytes; /* power of two; 0: 256 KiB */
	bool only_fallback;         /* tests: as on a kernel without fentry */
};

/*
 * Loads and attaches what this kernel has. Fails (-errno, words in e) only where nothing can be
 * recorded: no BTF, no capability, no scope. What is missing otherwise is in probes_groups().
 */
int probes_open(struct probes **ret, const struct probes_options *options, struct error *e);
void probes_close(struct probes *p);

/* Borrows ev until it returns. Non-zero ends the poll, and is what probes_poll returns. */
typedef int probes_event_fn(const struct event *ev, void *arg);

/*
 * Puts each process of the pod as it is now into the ring, as EVENT_TASK. Called once, after
 * probes_open: an exec that happens meanwhile may be seen twice, never not at all.
 */
int probes_snapshot(struct probes *p, struct error *e);

/*
 * Waits at most timeout_ms for a wake-up (the critical ring has a record, or the normal one is half
 * full), then hands over all that is in both rings; then, as EVENT_LOST, what has been lost since
 * the last call. Within (cpu, ring) records come in order of seq, but for one that interrupted
 * another and comes before it. Returns 0 or -errno.
 */
int probes_poll(struct probes *p, int timeout_ms, probes_event_fn *fn, void *arg, struct error *e);
/* Readable when probes_poll would not wait; borrowed. */
int probes_fd(const struct probes *p);

/* What is attached, by kind of events: the capability table of stderr and /health. */
struct probes_group {
	const char
		*name; /* process, calls, file, network, dns, privilege, memory, escape, io_uring */
	const char *means;  /* "fentry", "sys_exit", "tracepoint"; "none": this kind is not seen */
	unsigned expected;  /* programs that these means have */
	unsigned attached;  /* fewer than expected: degraded */
	const char *reason; /* why not the first choice; "" else */
};
const struct probes_group *probes_groups(const struct probes *p, size_t *n);

/* One program: ebpf_programs_attached{program}, recursion_misses. */
struct probes_program {
	const char *name, *group;
	bool attached;
	uint64_t recursion_misses; /* runs the kernel left out: events that no counter knows */
};
/* Fresh misses at each call; the array is p's. */
const struct probes_program *probes_programs(struct probes *p, size_t *n);

/* produced = received + lost, per slot, once the rings are empty and nobody produces. */
struct probes_count {
	uint64_t produced, lost;
};
struct probes_counters {
	unsigned cpus;
	/* [cpu][ring][type]; next_seq[cpu][ring] = sum of produced over the types */
	const struct probes_count (*count)[RING_COUNT][EVENT_TYPE_COUNT];
	uint64_t ring_used[RING_COUNT], ring_size[RING_COUNT]; /* bytes */
};
int probes_counters(struct probes *p, struct probes_counters *ret, struct error *e);

struct probes_scope {
	uint64_t pod_cgroup;           /* id; survives a restart of the sidecar */
	uint64_t container_cgroup;     /* our own */
	unsigned level;                /* of the pod's cgroup */
	bool v1;                       /* by the pids controller of a v1 hierarchy */
	char pod[128], container[128]; /* names of the two cgroups */
};
const struct probes_scope *probes_scope(const struct probes *p);
