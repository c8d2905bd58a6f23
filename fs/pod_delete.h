/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DELETE of a pod, with what must still be true of it, and the end of a weaver that is made of
 * it. Cluster thread.
 */
#pragma once
#include <stdint.h>

struct pod;
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

#define POD_DELETE_GRACE_S 5

/*
 * Ends a weaver: waits until the log of one that has ended is here (half of the time that there
 * is), deletes its pod, tells the tree and the archive what the reply means, then calls on_done,
 * once, not from inside pod_delete_weaver().
 */
struct pod_delete_spec {
	const struct pod *pod;        /* borrowed until the call returns */
	const char *resource_version; /* as in struct pod_delete; copied */
	const char *by;               /* for the archive's deleted_by; copied */
	int64_t deadline_ns;
	/* pod: as the reply has it, NULL: none; borrowed. */
	void (*on_done)(void *data, const struct reply *reply, const struct pod *pod);
	void *data;
};
struct pod_delete_op;
struct pod_delete_op *pod_delete_weaver(struct weaverfs *fs, const struct pod_delete_spec *spec);
void pod_delete_cancel(struct pod_delete_op *op); /* on_done is not called */
