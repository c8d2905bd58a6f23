/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All objects, in memory. A revision is one immutable state of an object: its JSON text, made
 * once, and what selectors look at. Revisions are counted references: the history of changes,
 * snapshots of paged lists and the object itself share them. Resource versions are one global
 * sequence, one step a change, and the history is a ring of the last STORE_HISTORY changes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kubesim/json.h"
#include "tools/kubesim/kind.h"

#define STORE_HISTORY 16384

struct revision {
	int refs;
	uint64_t rv;
	char *text; /* the object without kind and apiVersion: "{" first */
	size_t len;
	cJSON *labels; /* NULL: none */
	cJSON *fields; /* flattened field selectors */
};

struct object {
	const struct kind *kind;
	char *ns, *name, *uid; /* ns "" for what is in none */
	struct revision *now;
	void *run; /* lifecycle.c's pod, NULL for everything else */
};

enum change_type { CHANGE_ADDED, CHANGE_MODIFIED, CHANGE_DELETED };

struct change {
	enum change_type type;
	uint64_t rv;
	const struct kind *kind;
	char *ns;
	struct revision *now;    /* the state after; of a deletion the last one, with the new rv */
	struct revision *before; /* NULL for ADDED */
};

/* A frozen ordered view of one kind (and namespace), for paged lists. */
struct snapshot {
	uint64_t rv;
	size_t count;
	struct revision **items; /* references */
	char **keys;             /* "ns/name" */
};

void store_done(void);
uint64_t store_rv(void);
/* Called after every change, with the loop idle or not: marks watchers. */
void store_on_change(void (*notify)(const struct change *c));

/* Sorted by ns, then name; ns NULL or "": all namespaces. Borrowed until the next change. */
size_t store_range(const struct kind *k, const char *ns, struct object *const **ret);
struct object *store_find(const struct kind *k, const char *ns, const char *name);

/* Sets uid, creationTimestamp, resourceVersion. Takes json. NULL: out of memory. */
struct object *store_add(const struct kind *k, const char *ns, const char *name, cJSON *json);
/* Takes json. A state equal to the present one makes no change and no event; true: changed. */
bool store_update(struct object *o, cJSON *json);
void store_remove(struct object *o);       /* frees o */
cJSON *store_json(const struct object *o); /* owned */

/* The change with that rv; NULL: fell out of the history or is still to come. */
const struct change *store_change(uint64_t rv);
uint64_t store_oldest_rv(void); /* the first rv still in the history */
void store_compact(void);       /* forgets the history: 410 for everyone behind */

struct revision *store_revision_ref(struct revision *v);
void store_revision_unref(struct revision *v);

struct snapshot *store_snapshot(const struct kind *k, const char *ns);
void store_snapshot_free(struct snapshot *s);

/* Appends the object with its kind and apiVersion in front. */
void store_render(const struct kind *k, const struct revision *v, struct buf *out);
