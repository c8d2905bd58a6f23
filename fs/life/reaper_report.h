/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reaper would do and has done: the `reap` file, and the warning at start. Written on the
 * cluster thread, shown on any.
 */
#pragma once
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"
#include "k8s/base/lock.h"

struct weaverfs;

struct reaper_report {
	struct lock lock;       /* LOCK_LEAF, guards all */
	int64_t swept_s, run_s; /* 0: never */
	unsigned deleted, failed;
	struct buf rows;
};

/* A weaver whose time is over. */
struct reaper_report_row {
	const char *name, *pod;
	int64_t expires_s;
};

void reaper_report_init(struct reaper_report *r);
void reaper_report_done(struct reaper_report *r);
void reaper_report_swept(struct reaper_report *r, int64_t now_s);
/* A run has something to do: the rows of the one before are forgotten. */
void reaper_report_begin(struct reaper_report *r, int64_t now_s);
/* e NULL: deleted. */
void reaper_report_add(struct reaper_report *r, const struct reaper_report_row *row,
		       const struct error *e);
/* As reaper_show(). */
void reaper_report_show(struct reaper_report *r, const struct weaverfs *fs, struct buf *out);
/* What a lowered max_ttl_hours cuts short, one sentence; nothing where there is none. */
void reaper_report_cuts(const struct weaverfs *fs, struct buf *warning);
