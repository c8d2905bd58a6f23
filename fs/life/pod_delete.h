/* SPDX-License-Identifier: Apache-2.0 */
/* The DELETE of a pod, with what must still be true of it. Cluster thread. */
#pragma once
#include <stdint.h>

struct reply;
struct request;
struct weaverfs;

struct pod_delete {
	const char *name, *uid;
	const char *resource_version; /* NULL: whatever has changed since */
	int grace_s;
	int64_t deadline_ns; /* CLOCK_MONOTONIC */
	void (*on_done)(void *data, const struct reply *reply);
	void *data;
};

/* Sends it; on_done as of request_start(). NULL: out of memory. */
struct request *pod_delete_start(struct weaverfs *fs, const struct pod_delete *d);
