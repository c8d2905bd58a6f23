/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weavers of this mount: object id and name → weaver. The cluster thread (sync.c) is the only
 * writer; readers on any thread take a view under the lock and format without it. Nothing here
 * waits, sends or calls back.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/logs/spool.h"
#include "fs/weaver/events.h"
#include "k8s/base/error.h"
#include "k8s/pod.h"

struct last_line;
struct registry;

#define REGISTRY_NAME_MAX 80 /* 63, '~', id8, and an id of 36 */

/* What a reader gets: references of its own, to be given back with registry_view_done(). */
struct registry_view {
	uint64_t object; /* as asked for: a weaver has a second one under its id */
	char name[REGISTRY_NAME_MAX];
	struct pod *pod;                   /* the last known state */
	struct event_list *events;         /* NULL: none */
	struct spool *spools[SPOOL_KINDS]; /* NULL: not opened yet */
	struct last_line *last_line;       /* NULL: not known */
	int64_t changed_ns;                /* CLOCK_REALTIME of the last change: mtime */
	bool shown;                        /* in the root, under name */
	bool held;                         /* not in the tree yet: another has the name */
	bool gone;                         /* left the tree; still open somewhere */
	bool deleted;                      /* gone, and its pod is no more */
};
void registry_view_done(struct registry_view *v);
/* With references of its own. */
void registry_view_copy(const struct registry_view *v, struct registry_view *ret);

int registry_new(struct registry **ret, struct error *e);
void registry_free(struct registry *r);

/* ---- any thread ---- */
/* -ENOENT: no such weaver (or gone and open nowhere). */
int registry_find(struct registry *r, uint64_t object, struct registry_view *ret);
/* By directory name, else by id (then ret->object is the id's own). -ENOENT. */
int registry_lookup(struct registry *r, const char *name, struct registry_view *ret);
/* Opens are counted: a gone weaver answers until its last release. -ENOENT. */
int registry_open(struct registry *r, uint64_t object);
void registry_release(struct registry *r, uint64_t object);

struct registry_entry {
	uint64_t object;
	char name[REGISTRY_NAME_MAX];
	struct pod *pod; /* a reference */
	int64_t changed_ns;
	bool terminating; /* only with all */
};
/* Those in the root, in order of creation; all: the terminating ones too. -ENOMEM. */
int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n);
void registry_list_free(struct registry_entry *entries, size_t n);

/* CLOCK_REALTIME: when a name came to the root or left it; 0: never. */
int64_t registry_root_changed_ns(struct registry *r);

struct registry_counts {
	size_t present;     /* in the root */
	size_t terminating; /* deletionTimestamp set, pod still there */
	size_t active;      /* count for the cap: Pending or Running, terminating or not */
	size_t unnamed;     /* not shown: neither name nor id is a safe file name */
	size_t bytes;       /* memory of all pods */
};
void registry_counts(struct registry *r, struct registry_counts *ret);

/* ---- cluster thread ---- */
/*
 * A newer state of a pod, known or not (takes a reference of its own). Reports what it meant. A
 * second pod with a name that is taken is held back for 2 s (it may be the loser of a race and
 * about to go) and shows as name~<id8> after that: registry_publish_held().
 */
enum registry_change {
	REGISTRY_NONE,
	REGISTRY_ADDED,       /* a new directory in the root */
	REGISTRY_CHANGED,     /* the same directory, other content */
	REGISTRY_REMOVED,     /* left the root (terminating, or deleted) */
	REGISTRY_FAILED = -1, /* out of memory */
};
enum registry_change registry_apply(struct registry *r, const struct pod *pod, int64_t now_ns);
/*
 * Shows what has been held back long enough, and reports each; the time of the next one (monotonic
 * ns), 0: none.
 */
int64_t registry_publish_held(struct registry *r, int64_t now_ns,
			      void (*shown)(void *data, const struct registry_view *w), void *data);
enum registry_change registry_remove(struct registry *r, const char *uid);
/* -ENOENT: its pod is unknown (event stays the caller's); else 0 or -ENOMEM and it is taken. */
int registry_add_event(struct registry *r, struct event *event);
/* The view of a pod by its uid. -ENOENT. */
int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret);
/* Somebody non-terminating has it, shown or held back. Any thread. */
bool registry_name_taken(struct registry *r, const char *name);
/* These two take a reference. */
void registry_set_spool(struct registry *r, const char *uid, enum spool_kind kind,
			struct spool *spool);
void registry_set_last_line(struct registry *r, const char *uid, struct last_line *line);

/*
 * A replace: what is not applied between begin and end is removed by end, which reports each as it
 * was before.
 */
void registry_replace_begin(struct registry *r);
void registry_replace_end(struct registry *r,
			  void (*removed)(void *data, const struct registry_view *last),
			  void *data);
