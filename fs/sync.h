/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watch events → registry: the only writer. Keeps the pods and events watches of the namespace,
 * tells the reaper, the logs, in-flight creates and the kernel what has changed, and takes in the
 * object of a write's own reply without letting an older watch event undo it. Cluster thread except
 * where noted.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct weaverfs;
struct sync;
struct pod;

int sync_new(struct weaverfs *fs, struct sync **ret, struct error *e);
int sync_start(struct sync *s, struct error *e); /* starts both watches */
void sync_free(struct sync *s);

/*
 * The pod as a write's reply has it. A write is announced before it is sent, so that a watch event
 * of the very same change, or a later one, which may come first, is known to be newer.
 */
struct sync_write {
	struct sync_write *next;
	char uid[64];
	char seen[32][24]; /* resource versions seen since, a ring */
	unsigned n_seen;
};
void sync_write_begin(struct sync *s, struct sync_write *w, const char *uid);
void sync_write_end(struct sync *s, struct sync_write *w); /* without an object */
void sync_write_reply(struct sync *s, struct sync_write *w, const struct pod *pod);

/* The pod is no more, as the reply to a DELETE says: what its DELETED in the watch would do. */
void sync_pod_gone(struct sync *s, const char *uid);

/* How often a replace has begun: an order of events that spans two of them is not known. */
uint64_t sync_generation(const struct sync *s);
bool sync_ready(const struct sync *s); /* the first list is in; any thread */
/* The watch is in order; e says why not. Any thread. */
bool sync_healthy(struct sync *s, struct error *e);
int64_t sync_last_event_ns(struct sync *s); /* CLOCK_MONOTONIC; any thread */
