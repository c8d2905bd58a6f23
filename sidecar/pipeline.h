/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a record of the probes to its line in the buffer and on stdout: count, filter, redact,
 * encode, keep. One thread. It knows the probes by what is handed to it, so that tests can hand it
 * a million records without a kernel.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sidecar/event.h"
#include "sidecar/report.h"

struct error;
struct pipeline;
struct probes_counters;
struct settings;
struct stats;

/* Opens the buffer and goes on where it ends. settings and stats are borrowed. */
int pipeline_new(const struct settings *settings, struct stats *stats, int stdout_fd,
		 struct pipeline **ret, struct error *e);
void pipeline_free(struct pipeline *p);

/*
 * The probes are attached since attached_ns (realtime): audit_gap since the run before,
 * audit_start.
 */
void pipeline_begin(struct pipeline *p, const struct report_scope *scope, int64_t attached_ns);
/* One record; a probes_event_fn. Always 0. */
int pipeline_event(const struct event *ev, void *p);
/* Whether the next pipeline_turn() has use for fresh counters of the probes. */
bool pipeline_wants_counters(const struct pipeline *p);
/*
 * After each drain: all that the probes had made by drained_ns (realtime) has been handed over.
 * Writes lines and, where it is time, a heartbeat and the end of a batch. counters may be NULL.
 * Errors are for the log; nothing is lost by them unless the record says so.
 */
int pipeline_turn(struct pipeline *p, int64_t drained_ns, const struct probes_counters *counters,
		  struct error *e);
/* The last turn: a heartbeat, and the batch that says it is the last of this run. */
int pipeline_end(struct pipeline *p, int64_t drained_ns, const struct probes_counters *counters,
		 struct error *e);
/* Bytes of the stream, for who waits for its readers. */
uint64_t pipeline_stream_end(const struct pipeline *p);
