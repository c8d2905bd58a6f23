/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sidecar counts, for /metrics, /health and its heartbeat. One lock; each thread adds what
 * it has gathered at most a few times a batch.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/lock.h"
#include "sidecar/buffer.h"
#include "sidecar/event.h"

/* X(enum suffix, stage, reason): where records end that do not arrive */
/* clang-format off */
#define STATS_DROPS(X)                                                                             \
	X(RING, "ring", "full")                 /* the probes found no room */                     \
	X(PATH, "filter", "path")                                                                  \
	X(SAMPLED, "filter", "sampled")                                                            \
	X(LOOPBACK, "filter", "loopback")                                                          \
	X(SETUP, "filter", "runtime_setup")                                                        \
	X(RATE, "filter", "rate")               /* more of its kind than there may be */           \
	X(OLDEST, "buffer", "oldest")           /* of the buffer, to make room for newer ones */   \
	X(DISK, "buffer", "disk")               /* the disk took nothing */                        \
	X(BUDGET, "stdout", "budget")                                                              \
	X(BLOCKED, "stdout", "blocked")         /* nobody reads */                                 \
	X(OVERTAKEN, "http", "overtaken")       /* dropped from the buffer before they were sent */ \
	X(REJECTED, "http", "rejected")         /* the server does not want them */                \
	X(SHUTDOWN, "http", "shutdown")         /* not sent when the pod ended */
/* X(enum suffix, reason) */
#define STATS_RETRIES(X)                                                                           \
	X(CONNECT, "connect") X(TIMEOUT, "timeout") X(PROTOCOL, "protocol")                        \
	X(UNAUTHORIZED, "unauthorized") X(THROTTLED, "throttled") X(SERVER, "server")              \
	X(TOO_LARGE, "too_large")
/* clang-format on */

#define X(name, stage, reason) STATS_DROP_##name,
enum stats_drop { STATS_DROPS(X) STATS_DROP_COUNT };
#undef X
#define X(name, reason) STATS_RETRY_##name,
enum stats_retry { STATS_RETRIES(X) STATS_RETRY_COUNT };
#undef X

extern const char *const stats_drop_stages[STATS_DROP_COUNT];
extern const char *const stats_drop_reasons[STATS_DROP_COUNT];
extern const char *const stats_retry_reasons[STATS_RETRY_COUNT];

#define STATS_BUCKETS 10
struct stats_histogram {
	uint64_t buckets[STATS_BUCKETS + 1]; /* not cumulative; the last is +Inf */
	uint64_t count;
	double sum;
};

#define STATS_CODES 16 /* distinct HTTP status codes that are told apart */
#define STATS_PROGRAMS 256
#define STATS_GROUPS 24

struct stats_program {
	char name[48];
	bool attached;
	uint64_t misses;
};

struct stats_group {
	char name[24], means[16], reason[160];
	unsigned expected, attached;
};

struct stats {
	struct lock lock; /* all that follows */
	/* pipeline */
	uint64_t captured[EVENT_TYPE_COUNT];
	uint64_t dropped[STATS_DROP_COUNT];
	uint64_t buffered;  /* records that went into the buffer, in all */
	uint64_t in_flight; /* in memory, not in the buffer yet */
	struct buffer_state buffer;
	int64_t seen_ns; /* monotonic: the pipeline's last turn */
	uint64_t ring_used[RING_COUNT], ring_size[RING_COUNT];
	char trouble[256]; /* why nothing is recorded: unhealthy; "": all is well */
	char disk[256];    /* why the disk takes nothing: degraded; "": it does */
	struct stats_program programs[STATS_PROGRAMS];
	unsigned program_count;
	struct stats_group groups[STATS_GROUPS];
	unsigned group_count;
	/* the HTTP sink */
	bool has_server;
	uint64_t sent;   /* records the server took */
	uint64_t unsent; /* records in the buffer that it has not taken yet */
	uint64_t batches_sent, batches_rejected, batches_failed; /* failed: attempts */
	struct {
		int code;
		uint64_t count;
	} codes[STATS_CODES]; /* 0: no answer */
	uint64_t retries[STATS_RETRY_COUNT];
	struct stats_histogram batch_events, batch_bytes, http_seconds;
	int64_t last_success_ns; /* realtime; 0: never */
	char server[256];        /* why the last attempt failed; "": it did not */
	/*
	 * From the HTTP sink to the pipeline: records that will not be sent; taken and zeroed
	 * there.
	 */
	uint64_t unsendable[STATS_DROP_COUNT];
};

extern const double stats_batch_events_bounds[STATS_BUCKETS];
extern const double stats_batch_bytes_bounds[STATS_BUCKETS];
extern const double stats_seconds_bounds[STATS_BUCKETS];

void stats_init(struct stats *s);
void stats_done(struct stats *s);
/* Called with the lock held. */
void stats_observe(struct stats_histogram *h, const double bounds[STATS_BUCKETS], double value);
void stats_count_code(struct stats *s, int code);
/* text is cut to what to holds. */
void stats_say(char *to, size_t size, const char *text);
#define STATS_SAY(member, text) stats_say(member, sizeof(member), text)

/* Any thread, without the lock. Prometheus text format 0.0.4. */
void stats_page_metrics(struct stats *s, struct buf *out);
/* JSON; returns 200 or 503. */
int stats_page_health(struct stats *s, struct buf *out);
