/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the archive share: archive.c, _entry.c, _log.c, _fetch.c, _purge.c. */
#pragma once
#include "fs/archive/archive.h"
#include "fs/logs/log_source.h"
#include "fs/logs/logs.h"
#include "k8s/base/buf.h"
#include "k8s/base/hash.h"
#include "k8s/base/lock.h"

struct archive {
	struct weaverfs *fs;
	char *dir; /* owned; NULL: no state directory, nothing is kept */
	/* Cluster thread: */
	struct list open, closed; /* struct archive_entry; of those closed the oldest first */
	struct list fetches;      /* struct archive_fetch */
	struct list purges;       /* those that have sent a DELETE */
	unsigned n_fetching;      /* of those, under way */
	int64_t bytes;            /* on disk, of those closed */
	struct loop_timer trim;

	struct lock lock; /* LOCK_LEAF: what follows, and each entry's view */
	struct hash objects, names;
	size_t n;
	int64_t changed_ns; /* CLOCK_REALTIME: an entry came or went */
};

/* The cluster thread's, but for view: written by it alone, under the lock. */
struct archive_entry {
	struct list node;
	struct hash_node by_object, by_name;
	struct archive *archive;
	struct archive_view view;
	char pod[128];
	char outcome[16];        /* the status that it has when it is over */
	int64_t begun_s, over_s; /* 0: not over */
	int64_t bytes;
	bool audited;               /* it had an audit sidecar */
	bool complete[SPOOL_KINDS]; /* the spool has it to its end */
	struct archive_work *work;  /* NULL: over, or nothing is known of the pod yet */
};

/* What grows, on its way from its spool into a file of the entry. */
struct archive_copy {
	struct archive_work *work;
	const struct log_source *source; /* NULL: the weaver has none */
	struct logs_keeper keeper;
	struct spool *spool;         /* a reference; NULL: it could not be opened */
	struct log_position at;      /* without a keeper: of the spool's end */
	struct spool_reader *reader; /* NULL: not begun */
	off_t copied;
};

/* What an entry needs until it is over. */
struct archive_work {
	struct archive_entry *entry;
	struct registry_view last; /* references; pod NULL: it was gone before we came */
	bool gone;
	int64_t cap_ns; /* when the log has lasted long enough after the pod's end */
	struct archive_copy copies[SPOOL_KINDS];
	struct loop_timer timer;
	bool failed;        /* and the user knows why */
	uint64_t sums[256]; /* by row: of what was written last */
};

/* ---- archive.c ---- */
struct archive_entry *archive_by_name(struct archive *a, const char *name); /* NULL: none */
struct archive_entry *archive_by_uid(struct archive *a, const char *uid);   /* NULL: none */
int archive_insert(struct archive_entry *entry);  /* known to all; -ENOMEM */
void archive_forget(struct archive_entry *entry); /* frees it; its files stay */
void archive_note(struct archive_entry *entry, const struct error *e); /* .weaverfs/errors */
void archive_set_over(struct archive_entry *entry);

/* ---- archive_entry.c: the disk; all 0 or -errno ---- */
void archive_entry_path(const struct archive_entry *entry, const char *file, struct buf *out);
int archive_entry_load_all(struct archive *a, struct error *e);
/* Makes the directory, whole; work is there. */
int archive_entry_create(struct archive_entry *entry, const struct registry_view *w,
			 struct error *e);
/* What has changed since the last time; work is there. */
int archive_entry_render(struct archive_entry *entry, struct error *e);
int archive_entry_write(struct archive_entry *entry, const char *file, const char *bytes,
			size_t len, struct error *e);
int archive_entry_save(struct archive_entry *entry, struct error *e);
int64_t archive_entry_measure(const struct archive_entry *entry);
void archive_entry_remove(const struct archive_entry *entry);

/* ---- archive_log.c ---- */
int archive_log_new(struct archive_entry *entry, struct error *e); /* its work */
int archive_log_begin(struct archive_entry *entry, const struct registry_view *v, struct error *e);
int archive_log_resume(struct archive_entry *entry, struct error *e); /* of a pod that is gone */
void archive_log_pod_changed(struct archive_entry *entry, const struct registry_view *v, bool gone);
/* spare: the spool is still needed. */
void archive_log_end(struct archive_entry *entry, bool spare);

/* ---- archive_fetch.c ---- */
void archive_fetch_pod_changed(struct archive *a, const struct registry_view *v);
void archive_fetch_forget(struct archive *a, const char *uid);
bool archive_fetch_complete(struct archive *a, const char *uid);
void archive_fetch_free(struct archive *a);

/* ---- archive_purge.c ---- */
void archive_purge_post(struct archive *a, const char *name, const struct caller *caller,
			void (*done)(void *data, int r, const struct error *e), void *data);
void archive_purge_trim(struct archive *a); /* what is beyond the bounds */
void archive_purge_free(struct archive *a);
