/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks (loom-compat.md §5): a POST for each weaver that this mount has created or deleted, that
 * has failed, and for each run of the reaper that deleted something. The body is signed with
 * HMAC-SHA256; a few retries, then a line in .weaverfs/errors. All on the cluster thread.
 *
 * X-Webhook-Id names the event: all mounts send the same one for the same failure.
 */
#pragma once
#include "k8s/base/error.h"

struct event_list;
struct pod;
struct weaverfs;
struct webhook;

/* Of config->webhooks. */
int webhook_new(struct weaverfs *fs, struct webhook **ret, struct error *e);
void webhook_free(struct webhook *h); /* NULL is allowed; see webhook_queue_done() */
/* Deliveries that may be done in a moment; those that wait for another try are not. */
unsigned webhook_busy(const struct webhook *h);

void webhook_created(struct webhook *h, const struct pod *pod);
void webhook_deleted(struct webhook *h, const struct pod *pod);
void webhook_failed(struct webhook *h, const struct pod *pod, const struct event_list *events);
/* A run of the reaper: each that it deleted, and its end, which sends them. */
void webhook_cleaned(struct webhook *h, const struct pod *pod);
void webhook_cleanup(struct webhook *h);
