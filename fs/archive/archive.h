/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of weavers that are gone: a directory on disk per entry, under <state_dir>/archive,
 * with one file per file of the weaver and its last content. An entry begins when the pod gets a
 * deletionTimestamp or is gone (then it has the status terminating until its log has ended), and
 * survives kill -9, remount and reboot. Bounded by age (archive_hours) and bytes
 * (archive_max_bytes), oldest first. Files of it are read from any thread; all else is on the
 * cluster thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/registry.h"
#include "k8s/base/error.h"
#include "k8s/base/list.h"
#include "k8s/loop.h"

struct archive;
struct caller;
struct weaverfs;

struct archive_view {
	uint64_t object;              /* hash of the pod's uid, salted "archive" */
	char name[REGISTRY_NAME_MAX]; /* <weaver>~<id8> */
	char uid_text[64];            /* the pod's uid */
	uid_t uid;
	gid_t gid;
	mode_t mode; /* as the weaver's */
	int64_t changed_ns;
	bool terminating;
};

int archive_new(struct weaverfs *fs, struct archive **ret, struct error *e); /* reads the disk */
void archive_free(struct archive *a); /* before logs_free(); what is not over goes on next time */
/*
 * From sync after the first list: entries whose pod still terminates are followed on, entries left
 * open by a crash are completed with what can still be had, and what is missing is said.
 */
void archive_ready(struct archive *a);

/* ---- any thread ---- */
int archive_find(struct archive *a, uint64_t object, struct archive_view *ret);    /* -ENOENT */
int archive_lookup(struct archive *a, const char *name, struct archive_view *ret); /* -ENOENT */
int archive_list(struct archive *a, struct archive_view **ret, size_t *ret_n);     /* owned array */
int64_t archive_changed_ns(struct archive *a); /* when an entry came or went; 0: never */
/* An fd of the file's content, O_RDONLY; a file that the entry does not have is empty. -errno. */
int archive_open_file(struct archive *a, uint64_t object, const char *name);
off_t archive_file_size(struct archive *a, uint64_t object, const char *name);

/* ---- cluster thread ---- */
/*
 * From sync: the registry has a newer state of the pod. left: with it the weaver has left the root,
 * or is known for the first time and terminates already.
 */
void archive_pod_changed(struct archive *a, const char *uid, bool left);
/* From sync: the pod is no more; last: its last view, from before it was taken out. */
void archive_pod_gone(struct archive *a, const struct registry_view *last);
/* From sync: the last object, as the API server has it. */
void archive_pod_json(struct archive *a, const char *uid, const char *json, size_t len);
/* From logs: the spool of this pod has not been taken over yet. */
bool archive_wants_spool(struct archive *a, const char *uid);
/* From delete.c and reaper.c when their DELETE was accepted: "rmdir uid:gid", "ttl". */
void archive_deleted_by(struct archive *a, const char *uid, const char *by);
/*
 * Any thread. rmdir .archive/NAME: purges it; of one still terminating it forces the end (grace 0)
 * first. done is called once, on the cluster thread; without memory on the caller's, at once.
 */
void archive_purge(struct archive *a, const char *name, const struct caller *caller,
		   void (*done)(void *data, int r, const struct error *e), void *data);

/*
 * The log of a weaver that has ended cannot be read any more once its pod was deleted, so it is
 * fetched when it ends, and a DELETE waits for that. Embedded in who waits.
 */
struct archive_fetch_wait {
	struct list node;
	struct archive *archive;
	struct loop_timer deadline;
	void (*done)(struct archive_fetch_wait *w); /* it is here, or cannot be had in time */
};
/* False: there is nothing to wait for; done() is not called. */
bool archive_fetch_wait(struct archive *a, const struct pod *pod, struct archive_fetch_wait *w,
			int64_t deadline_ns);
void archive_fetch_cancel(struct archive_fetch_wait *w); /* also after done(), or of a zeroed one */
