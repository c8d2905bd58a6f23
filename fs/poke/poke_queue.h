/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be poked, in order, and what the helpers may do to the mount: the state of poke.c that
 * the FUSE thread sees too. All of it is under one lock; functions say which thread calls them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/poke/poke.h"
#include "fs/poke/poke_private.h"
#include "fs/registry.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"

/* One helper each, with a queue of its own. */
enum poke_lane {
	POKE_LANE_ENTRIES, /* mkdir and rmdir in a directory of weavers */
	POKE_LANE_CHANGES, /* times of files */
	POKE_LANES
};

/* What a command is about: an entry of a directory, or a file in what has that entry. */
struct poke_what {
	enum poke_op op;
	uint64_t weaver; /* or draft, or archive entry: its commands keep their order */
	uint64_t object; /* another number of the same where it is reached by its id */
	uint64_t directory;
	char name[REGISTRY_NAME_MAX];
	unsigned row; /* of POKE_MODIFY */
};

struct metrics;
struct poke_command;

struct poke_queue {
	struct lock lock; /* LOCK_LEAF, guards all */
	struct poke_queue_lane {
		struct list waiting; /* by their sequence */
		struct list out;     /* with the helper, which does one after the other */
		size_t n;            /* both */
		unsigned n_out;
		pid_t pid; /* of the helper; 0: none */
		bool heeded;
	} lanes[POKE_LANES];
	struct list held;        /* commands that wait for the end of a user's own call */
	struct hash pending;     /* all commands, by the hash of what they are about */
	struct hash weavers;     /* all commands, by whose they are */
	uint64_t sequence;       /* of the last command */
	unsigned publishing;     /* depth */
	struct metrics *metrics; /* METRIC_EVENTS_MISSED, METRIC_EVENTS_OVERTAKEN */
};

void poke_queue_init(struct poke_queue *q, struct metrics *metrics);
void poke_queue_done(struct poke_queue *q);

/* ---- cluster thread ---- */
/* To the end of its lane, or to what is held. A change that waits already is not queued twice. */
void poke_queue_add(struct poke_queue *q, const struct poke_what *what, bool held);
/*
 * The next command of the lane is out from now on; false: there is none, the helper has enough, or
 * it must wait for another: each call of finish() may make a command of either lane ready.
 */
bool poke_queue_take(struct poke_queue *q, enum poke_lane lane, struct poke_what *ret);
/* The first command that is out has ended so; errno, 0: done. */
void poke_queue_finish(struct poke_queue *q, enum poke_lane lane, int error);
/* The helper died: of the commands that are out those have ended that the kernel was told to do,
 * the others are the next ones again. */
void poke_queue_died(struct poke_queue *q, enum poke_lane lane);
/* The helper's pid; 0: none. Not heeded: all that it does is refused. */
void poke_queue_set_helper(struct poke_queue *q, enum poke_lane lane, pid_t pid, bool heeded);
/* Takes back what waits about a name; each is missed. What is held stays. */
void poke_queue_withdraw(struct poke_queue *q, uint64_t directory, const char *name);
/*
 * The first one held is what the user's call did. What waits to be shown in a weaver that it has
 * removed is overtaken; in one that it has renamed, it is shown under the new name.
 */
void poke_queue_drop_first_held(struct poke_queue *q, uint64_t directory, const char *name);
void poke_queue_release_held(struct poke_queue *q, uint64_t directory, const char *name);
/* Between the two all names pend. They nest. */
void poke_queue_publish_begin(struct poke_queue *q);
void poke_queue_publish_end(struct poke_queue *q);

/* ---- any thread; poke.h says what they answer ---- */
enum poke_view poke_queue_lookup(struct poke_queue *q, pid_t caller, uint64_t directory,
				 const char *name, uint64_t *ret_object);
bool poke_queue_passes(struct poke_queue *q, pid_t caller, uint64_t object, unsigned row);
enum poke_view poke_queue_entry(struct poke_queue *q, pid_t caller, enum poke_op op,
				uint64_t directory, const char *name, uint64_t *ret_object);
enum poke_view poke_queue_setattr(struct poke_queue *q, pid_t caller, uint64_t object,
				  unsigned row);
bool poke_queue_pending(struct poke_queue *q, uint64_t directory, const char *name);
