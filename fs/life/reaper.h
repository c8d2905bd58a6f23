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

struct act;
struct weaverfs;
struct reaper;
struct pod;

int reaper_new(struct weaverfs *fs, struct reaper **ret, struct error *e);
/*
 * After the first list: the sweep at start follows on the loop's next turn. What a lowered
 * max_ttl_hours cuts short is appended to warning, one sentence that names the weavers, before
 * anything is deleted; nothing is appended when there is none.
 */
void reaper_start(struct reaper *r, struct buf *warning);
void reaper_free(struct reaper *r);
/* From sync: a pod is new or has changed: its expiry may be the earliest. */
void reaper_pod_changed(struct reaper *r, const struct pod *pod);
/*
 * A sweep now, also of those whose DELETE failed lately. a->done() is called when all that it found
 * is deleted or has failed, perhaps from inside; with the first failure.
 */
void reaper_run(struct reaper *r, struct act *a);
/* clang-format off */
/*
 * The `reap` file, tab-separated, a kind first. Any thread.
 *	would-delete	NAME	POD	EXPIRES
 *	cut	NAME	POD	EXPIRES	WANTED	(max_ttl_hours ends it before what its pod asks for)
 *	last-sweep	TIME
 *	last-run	TIME	DELETED	FAILED	(the last that had something to do)
 *	deleted	NAME	POD	EXPIRES
 *	failed	NAME	POD	ERRNO	MESSAGE
 */
void reaper_show(struct reaper *r, struct buf *out);
/* clang-format on */
