/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List+watch of one collection, with the behaviour of client-go's Reflector: a watch list where the
 * server has it, else a list; bookmarks asked for and never depended on; resourceVersion opaque;
 * 410 → list again as a *replace*; ERROR frames inside a 200; jittered back-off; a stall timer.
 * Loop thread. The objects come as JSON, in order, each once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct client;
struct watch;

enum watch_event { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED };

struct watch_ops {
	/*
	 * A replace: begin, then WATCH_ADDED for every object there is, then end. What was known
	 * and did not come is gone. Changes made meanwhile may come before end already, as MODIFIED
	 * and DELETED. abort instead of end: the list broke off; forget what it brought.
	 */
	void (*replace_begin)(void *data);
	void (*replace_end)(void *data);
	void (*replace_abort)(void *data);
	void (*object)(void *data, enum watch_event type, const char *json, size_t len);
	/* Healthy or not has changed, or why not: e, NULL when healthy. May be NULL. */
	void (*health)(void *data, bool healthy, const struct error *e);
};

struct watch_spec {
	struct client *client;
	const char *path;     /* "/api/v1/namespaces/NS/pods"; copied */
	const char *selector; /* "labelSelector=…", "fieldSelector=…", encoded; copied; or NULL */
	const struct watch_ops *ops;
	void *data;
};

int watch_start(const struct watch_spec *spec, struct watch **ret, struct error *e);
/* No callback after it; frees. This and watch_relist() may be called from the callbacks. */
void watch_stop(struct watch *w);
/* Lists again now, as a replace: when an order of events can no longer be known. */
void watch_relist(struct watch *w);

bool watch_synced(const struct watch *w); /* has had a complete list */
/* CLOCK_MONOTONIC; bookmarks count; 0: none yet. */
int64_t watch_last_event_ns(const struct watch *w); /* any thread */
