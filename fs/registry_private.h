/* SPDX-License-Identifier: Apache-2.0 */
/* What registry.c and registry_list.c share: weavers and their tables. */
#pragma once
#include "fs/registry.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"

enum place {
	PLACE_SHOWN, /* in the root, under name */
	PLACE_HELD,  /* its name is taken; until held_until_ns */
	PLACE_AWAY,  /* terminating, or gone */
};

/* All fields: LOCK_REGISTRY. */
struct weaver {
	struct list node; /* registry.weavers, in order of arrival */
	struct list held; /* PLACE_HELD: registry.held */
	struct hash_node by_object, by_alias, by_name, by_id, by_uid;
	uint64_t object, alias;
	enum place place;
	char name[REGISTRY_NAME_MAX]; /* PLACE_SHOWN: as shown; else as wanted */
	char wanted[REGISTRY_NAME_MAX];
	struct pod *pod;
	struct event_list *events;
	struct spool *spools[SPOOL_KINDS];
	struct last_line *last_line;
	int64_t changed_ns;
	int64_t held_until_ns;
	unsigned opens;
	bool gone;           /* the pod is no more */
	uint64_t generation; /* of the last replace that brought it */
};

struct registry {
	struct lock lock;
	struct list weavers;
	struct list held; /* by held_until_ns */
	struct hash objects, aliases, names, ids, uids;
	uint64_t generation;
	int64_t root_changed_ns;
};
