/* SPDX-License-Identifier: Apache-2.0 */
/* What one receiver of webhooks has yet to be told. All on the cluster thread. */
#pragma once
#include <cjson/cJSON.h>
#include <stddef.h>

#include "k8s/base/list.h"

struct weaverfs;

struct webhook_queue {
	struct weaverfs *fs;
	const cJSON *settings; /* url, events, maybe secret; borrowed */
	const char *url;       /* of them */
	struct list waiting;   /* struct delivery */
	struct list sent;      /* the same: on their way, or waiting for another try */
	unsigned deliveries, under_way, resting; /* resting: until another try */
	unsigned dropped;                        /* since there was no room */
};

void webhook_queue_init(struct webhook_queue *q, struct weaverfs *fs, const cJSON *settings);
/* What is not yet sent is dropped; how much that is, is logged. */
void webhook_queue_done(struct webhook_queue *q);
/* Deliveries that are under way or wait for a place, not those that wait for another try. */
unsigned webhook_queue_busy(const struct webhook_queue *q);

/* Sends the body some time, signed, with the id as X-Webhook-Id, or counts and notes why not. */
void webhook_queue_add(struct webhook_queue *q, const char *body, const char *id);
/* There was no memory for a body. */
void webhook_queue_lost(struct webhook_queue *q);

/* 2 n digits and a NUL. */
void webhook_queue_hex(const unsigned char *bytes, size_t n, char *to);
