/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container said last before it failed, or ended at once, for the hints of `reason`
 * (loom-compat.md §7). Any thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct pod_container;

/* Immutable and refcounted: of which run of which container, and the line, "" if it said nothing. */
struct last_line {
	int refs; /* atomic */
	int restarts;
	char container[64];
	char text[];
};
/* text is copied, and cut. NULL: out of memory. */
struct last_line *last_line_make(const struct pod_container *c, const char *text, size_t len);
struct last_line *last_line_ref(const struct last_line *l); /* NULL gives NULL */
void last_line_unref(struct last_line *l);
/* Whether l (NULL: no) is of this run of this container. */
bool last_line_is_of(const struct last_line *l, const struct pod_container *c);
