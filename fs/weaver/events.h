/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last events of one pod, oldest first: an immutable, refcounted list, made anew by each event
 * (they are rare), so that readers need no lock.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/event.h"

#define EVENTS_MAX 64
#define EVENTS_MAX_BYTES 8192

struct event_item {
	int refs; /* atomic */
	struct event *event;
};
struct event_list {
	int refs;       /* atomic */
	uint64_t added; /* events since the first, also those that have fallen out */
	size_t n;
	struct event_item *items[]; /* oldest first by last_s */
};

/* old (may be NULL, borrowed) with event (taken, also on failure): one of the same uid is replaced,
 * the oldest falls out beyond EVENTS_MAX. NULL: out of memory. */
struct event_list *event_list_add(const struct event_list *old, struct event *event);
struct event_list *event_list_ref(const struct event_list *l); /* NULL gives NULL */
void event_list_unref(struct event_list *l);
DEFINE_CLEANUP(struct event_list *, event_list_unref)
/* The `events` file: RFC 3339, type, reason, count, message, tab-separated; at most 8 KiB. */
void event_list_show(const struct event_list *l, struct buf *out);
/*
 * What l has and before, an older list of the same pod (NULL: an empty one), had not, in the same
 * form; all of it. What has come and fallen out in between is one line, of the reason EventsLost.
 */
void event_list_show_new(const struct event_list *l, const struct event_list *before,
			 struct buf *out);
/* The newest event of one of the reasons (NULL-terminated), or NULL; borrowed from the list. */
const struct event *event_list_find(const struct event_list *l, const char *const reasons[]);
