/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds and removes are never coalesced: who watches sees what kubectl saw, also of a weaver that
 * was gone before its add could be poked. The first command of a lane is out with the helper until
 * it is answered; whether the kernel has been told to do it (`done`) decides after a crash of the
 * helper whether the next one gets it.
 *
 * What cannot be shown any more is missed, and counted: a user who removes a name while its add
 * waits for that very user's lock, or makes one whose removal does. The kernel raises the user's
 * own event, and what waits is withdrawn: executed late it would make a ghost, or remove the new
 * weaver.
 */
#include "fs/poke_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ino.h"
#include "fs/metrics.h"

/* With a helper that cannot be started memory must not grow for ever. */
#define COMMANDS_MAX 65536

/* All fields: poke_queue.lock. */
struct poke_command {
	struct list node; /* of its lane, or held */
	struct hash_node by_key;
	struct poke_what what;
	bool held;
	bool done;      /* the kernel has our answer: the event is raised */
	bool withdrawn; /* while it was out */
};

void poke_queue_init(struct poke_queue *q, struct metrics *metrics)
{
	*q = (struct poke_queue){ .metrics = metrics };
	lock_init(&q->lock, LOCK_LEAF);
	for (unsigned i = 0; i < POKE_LANES; i++)
		list_init(&q->lanes[i].commands);
	list_init(&q->held);
}

static void commands_free(struct list *commands)
{
	list_for_each(c, commands, struct poke_command, node)
		free(c);
}

void poke_queue_done(struct poke_queue *q)
{
	for (unsigned i = 0; i < POKE_LANES; i++)
		commands_free(&q->lanes[i].commands);
	commands_free(&q->held);
	hash_done(&q->pending);
	lock_done(&q->lock);
}

/* ---- finding ---- */

static uint64_t name_key(uint64_t directory, const char *name)
{
	return hash_str(name) ^ hash_bytes(&directory, sizeof(directory));
}

static uint64_t file_key(uint64_t object, unsigned row)
{
	uint64_t ino = ino_make(object, row);

	return hash_bytes(&ino, sizeof(ino));
}

static uint64_t key_of(const struct poke_what *what)
{
	return what->op == POKE_MODIFY ? file_key(what->object, what->row)
				       : name_key(what->directory, what->name);
}

static bool is_entry(const struct poke_command *c, uint64_t directory, const char *name)
{
	return c->what.op != POKE_MODIFY && c->what.directory == directory &&
	       strcmp(c->what.name, name) == 0;
}

static bool is_file(const struct poke_command *c, uint64_t object, unsigned row)
{
	return c->what.op == POKE_MODIFY && c->what.object == object && c->what.row == row;
}

static bool modify_waits_locked(const struct poke_queue *q, const struct poke_what *what)
{
	hash_for_each_match(c, &q->pending, key_of(what), struct poke_command, by_key)
		if (is_file(c, what->object, what->row) && !c->done)
			return true;
	return false;
}

/* One that waits in its lane or is out, and has not happened. */
static struct poke_command *waiting_locked(const struct poke_queue *q, uint64_t directory,
					   const char *name)
{
	hash_for_each_match(c, &q->pending, name_key(directory, name), struct poke_command, by_key)
		if (is_entry(c, directory, name) && !c->held && !c->done && !c->withdrawn)
			return c;
	return NULL;
}

static struct poke_command *held_locked(const struct poke_queue *q, uint64_t directory,
					const char *name)
{
	list_for_each(c, &q->held, struct poke_command, node)
		if (is_entry(c, directory, name))
			return c;
	return NULL;
}

/* ---- the life of a command ---- */

static struct poke_queue_lane *lane_of(struct poke_queue *q, const struct poke_what *what)
{
	return &q->lanes[what->op == POKE_MODIFY ? POKE_LANE_CHANGES : POKE_LANE_ENTRIES];
}

static void push_locked(struct poke_queue *q, struct poke_command *c)
{
	struct poke_queue_lane *lane = lane_of(q, &c->what);

	c->held = false;
	list_push_back(&lane->commands, &c->node);
	lane->n++;
}

static void forget_locked(struct poke_queue *q, struct poke_command *c)
{
	if (!c->held)
		lane_of(q, &c->what)->n--;
	list_remove(&c->node);
	hash_remove(&q->pending, &c->by_key);
	free(c);
}

static struct poke_command *command_new_locked(struct poke_queue *q, const struct poke_what *what)
{
	if (lane_of(q, what)->n >= COMMANDS_MAX)
		return NULL;
	struct poke_command *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	list_init(&c->node);
	c->what = *what;
	if (hash_insert(&q->pending, &c->by_key, key_of(what)) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

void poke_queue_add(struct poke_queue *q, const struct poke_what *what, bool held)
{
	lock_guard(&q->lock);
	if (what->op == POKE_MODIFY && modify_waits_locked(q, what))
		return;
	struct poke_command *c = command_new_locked(q, what);
	if (!c) {
		metrics_add(q->metrics, METRIC_EVENTS_MISSED, 1);
	} else if (held) {
		c->held = true;
		list_push_back(&q->held, &c->node);
	} else {
		push_locked(q, c);
	}
}

bool poke_queue_take(struct poke_queue *q, enum poke_lane lane, struct poke_what *ret)
{
	struct poke_queue_lane *l = &q->lanes[lane];
	lock_guard(&q->lock);
	if (l->out || list_empty(&l->commands))
		return false;
	l->out = list_entry(l->commands.next, struct poke_command, node);
	*ret = l->out->what;
	return true;
}

static void finish_locked(struct poke_queue *q, enum poke_lane lane, int error)
{
	struct poke_command *c = move_ptr(&q->lanes[lane].out);
	/* A file that is gone before its change was poked is missed by nobody. */
	bool gone = c->what.op == POKE_MODIFY && error == ENOENT;

	if (error && !c->done && !c->withdrawn && !gone)
		metrics_add(q->metrics, METRIC_EVENTS_MISSED, 1);
	forget_locked(q, c);
}

void poke_queue_finish(struct poke_queue *q, enum poke_lane lane, int error)
{
	lock_guard(&q->lock);
	finish_locked(q, lane, error);
}

void poke_queue_died(struct poke_queue *q, enum poke_lane lane)
{
	struct poke_queue_lane *l = &q->lanes[lane];
	lock_guard(&q->lock);
	if (l->out && (l->out->done || l->out->withdrawn))
		finish_locked(q, lane, 0);
	l->out = NULL;
}

void poke_queue_set_helper(struct poke_queue *q, enum poke_lane lane, pid_t pid, bool heeded)
{
	lock_guard(&q->lock);
	q->lanes[lane].pid = pid;
	q->lanes[lane].heeded = heeded;
}

void poke_queue_withdraw(struct poke_queue *q, uint64_t directory, const char *name)
{
	lock_guard(&q->lock);
	for (struct poke_command *c = waiting_locked(q, directory, name); c;
	     c = waiting_locked(q, directory, name)) {
		metrics_add(q->metrics, METRIC_EVENTS_MISSED, 1);
		if (c == q->lanes[POKE_LANE_ENTRIES].out)
			c->withdrawn = true;
		else
			forget_locked(q, c);
	}
}

void poke_queue_drop_first_held(struct poke_queue *q, uint64_t directory, const char *name)
{
	lock_guard(&q->lock);
	struct poke_command *c = held_locked(q, directory, name);
	if (c)
		forget_locked(q, c);
}

void poke_queue_release_held(struct poke_queue *q, uint64_t directory, const char *name)
{
	lock_guard(&q->lock);
	for (struct poke_command *c = held_locked(q, directory, name); c;
	     c = held_locked(q, directory, name)) {
		list_remove(&c->node);
		push_locked(q, c);
	}
}

void poke_queue_publish_begin(struct poke_queue *q)
{
	lock_guard(&q->lock);
	q->publishing++;
}

void poke_queue_publish_end(struct poke_queue *q)
{
	lock_guard(&q->lock);
	q->publishing--;
}

/* ---- what the helpers are answered ---- */

/* The helper that the caller is; NULL: none. */
static struct poke_queue_lane *helper_locked(struct poke_queue *q, pid_t caller)
{
	for (unsigned i = 0; i < POKE_LANES; i++)
		if (caller != 0 && q->lanes[i].pid == caller)
			return &q->lanes[i];
	return NULL;
}

/* The command that it does; NULL: none that is to be done. */
static struct poke_command *command_locked(const struct poke_queue_lane *lane)
{
	return lane->heeded && lane->out && !lane->out->withdrawn ? lane->out : NULL;
}

enum poke_view poke_queue_lookup(struct poke_queue *q, pid_t caller, uint64_t directory,
				 const char *name, uint64_t *ret_object)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	const struct poke_command *c = lane ? command_locked(lane) : NULL;
	if (!c || !is_entry(c, directory, name))
		return POKE_NOT_OURS;
	if (c->what.op == POKE_MKDIR)
		return POKE_ABSENT;
	*ret_object = c->what.object;
	return POKE_PRESENT;
}

enum poke_view poke_queue_entry(struct poke_queue *q, pid_t caller, enum poke_op op,
				uint64_t directory, const char *name, uint64_t *ret_object)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	if (!lane)
		return POKE_NOT_OURS;
	struct poke_command *c = command_locked(lane);
	if (!c || c->what.op != op || !is_entry(c, directory, name))
		return POKE_REFUSED;
	c->done = true;
	*ret_object = c->what.object;
	return POKE_DONE;
}

enum poke_view poke_queue_setattr(struct poke_queue *q, pid_t caller, uint64_t object, unsigned row)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	if (!lane)
		return POKE_NOT_OURS;
	struct poke_command *c = command_locked(lane);
	/* By a name that means another weaver by now: that one's file has not changed. */
	if (!c || !is_file(c, object, row))
		return POKE_REFUSED;
	c->done = true;
	return POKE_DONE;
}

bool poke_queue_pending(struct poke_queue *q, uint64_t directory, const char *name)
{
	lock_guard(&q->lock);
	if (q->publishing)
		return true;
	hash_for_each_match(c, &q->pending, name_key(directory, name), struct poke_command, by_key)
		if (is_entry(c, directory, name))
			return true;
	return false;
}
