/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes and the pipeline together, on the main thread: open, turn, end. While they cannot be
 * opened nothing is recorded and stats.trouble says why: /health is 503, and a weaver that has to
 * be audited does not start.
 */
#pragma once
#include <stdint.h>

struct error;
struct recorder;
struct settings;
struct stats;

/* All or nothing. Attaches, takes the snapshot of the pod's tasks, begins the run. */
int recorder_new(const struct settings *settings, struct stats *stats, struct recorder **ret,
		 struct error *e);
/* Readable when a turn is due at once; borrowed. */
int recorder_fd(const struct recorder *r);
/* One drain. Errors are of the disk: the record goes on. */
int recorder_turn(struct recorder *r, struct error *e);
/* Drains what there is for at most so long. */
void recorder_drain(struct recorder *r, int timeout_ms);
/* The last records of this run; *ret_end: the stream's end, for its readers. */
int recorder_end(struct recorder *r, uint64_t *ret_end, struct error *e);
void recorder_free(struct recorder *r);
