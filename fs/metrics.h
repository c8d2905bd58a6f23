/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the mount, from one list that is also the Prometheus page. Any thread; atomics. */
#pragma once
#include <stdint.h>

#include "k8s/base/buf.h"

/* X(enum suffix, Prometheus name, help) */
#define METRICS_COUNTERS(X)                                                                        \
	X(CREATED, "loom_weavers_created_total", "Weavers created by this mount.")                 \
	X(DELETED, "loom_weavers_deleted_total", "Weavers deleted by this mount with rmdir.")      \
	X(FAILED, "loom_weavers_failed_total", "Weavers that were seen to fail.")                  \
	X(CLEANUP, "loom_weavers_cleanup_total", "Runs of the reaper.")                            \
	X(CLEANUP_DELETED, "loom_weavers_cleanup_deleted_total", "Expired weavers deleted.")       \
	X(OPERATIONS, "weaverfs_operations_total", "FUSE requests answered.")                      \
	X(TOMBSTONES, "weaverfs_tombstones_deleted_total",                                         \
	  "Pods deleted because the mkdir that sent them had failed.")                             \
	X(RELISTS, "weaverfs_relists_total", "Complete lists read from the API server.")           \
	X(LOG_GAPS, "weaverfs_log_gaps_total", "Gap lines written into logs files.")               \
	X(EVENTS_MISSED, "weaverfs_events_missed_total",                                           \
	  "Inotify events of others' changes that could not be raised.")                           \
	X(EVENTS_OVERTAKEN, "weaverfs_events_overtaken_total",                                     \
	  "Inotify events of changes in a weaver that a user's rmdir of it came before.")          \
	X(WEBHOOKS_SENT, "weaverfs_webhooks_sent_total", "Webhooks that were received.")           \
	X(WEBHOOKS_FAILED, "weaverfs_webhooks_failed_total", "Webhooks given up on or dropped.")

enum metric {
#define METRICS_ENUM(suffix, name, help) METRIC_##suffix,
	METRICS_COUNTERS(METRICS_ENUM)
#undef METRICS_ENUM
		METRIC_COUNT
};

struct metrics {
	uint64_t counters[METRIC_COUNT]; /* atomic */
};
void metrics_add(struct metrics *m, enum metric metric, uint64_t n);
uint64_t metrics_get(const struct metrics *m, enum metric metric);
/* All counters in the Prometheus text format 0.0.4 (HELP, TYPE, value). */
void metrics_show(const struct metrics *m, struct buf *out);
/* One gauge in the same format, or one counter that is kept elsewhere. */
void metrics_counter(struct buf *out, const char *name, const char *help, uint64_t value);
void metrics_gauge(struct buf *out, const char *name, const char *help, int64_t value);
