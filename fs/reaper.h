/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletes what has expired: a sweep at start, one every cleanup_interval_secs, and a timer at the
 * earliest expiry. uid and resourceVersion are preconditions, so that a weaver that was extended
 * meanwhile on another mount survives; the API server's clock decides (Date > expires-at). Cluster
 * thread except where noted.
 */
#pragma once
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct weaverfs;
struct reaper;
struct pod;

int reaper_new(struct weaverfs *fs, struct reaper **ret, struct error *e);
void reaper_start(struct reaper *r); /* after the first list */
void reaper_free(struct reaper *r);
/* From sync: a pod is new or has changed: its expiry may be the earliest. */
void reaper_pod_changed(struct reaper *r, const struct pod *pod);
/* The `reap` file: what a run now would delete, what the last run deleted. Any thread. */
void reaper_show(struct reaper *r, struct buf *out);
