/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a weaver by rmdir or the reaper: waits until the log of one that has ended is here
 * (three quarters of the time that there is), deletes its pod, and tells the tree and the archive
 * what the reply means. Cluster thread.
 */
#pragma once
#include <stdint.h>

struct pod;
struct reply;
struct weaverfs;

#define WEAVER_END_GRACE_S 5

struct weaver_end_spec {
	const struct pod *pod;        /* borrowed until the call returns */
	const char *resource_version; /* as in struct pod_delete; copied */
	const char *by;               /* for the archive's deleted_by; copied */
	int64_t deadline_ns;
	/* Once, not from inside weaver_end_start(). pod: as the reply has it, NULL: none;
	 * borrowed. */
	void (*on_done)(void *data, const struct reply *reply, const struct pod *pod);
	void *data;
};
struct weaver_end;
/* NULL: out of memory. */
struct weaver_end *weaver_end_start(struct weaverfs *fs, const struct weaver_end_spec *spec);
void weaver_end_cancel(struct weaver_end *op); /* on_done is not called */
