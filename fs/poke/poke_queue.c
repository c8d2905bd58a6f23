/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds and removes are never coalesced: who watches sees what kubectl saw, also of a weaver that
 * was gone before its add could be poked. All commands about one weaver, or one name, keep their
 * order, whichever helper does them: each waits for the end of those before it, so that a change
 * is seen before the removal that follows it. The lowest sequence of all waits for nobody but a
 * user's own call, which ends by itself.
 *
 * A command is out with the helper until it is answered; whether the kernel has been told to do it
 * (`done`) decides after a crash of the helper whether the next one gets it.
 *
 * What cannot be shown any more is missed, and counted: a user who removes a name while its add
 * waits for that very user's lock, or makes one whose removal does. The kernel raises the user's
 * own event, and what waits is withdrawn: executed late it would make a ghost, or remove the new
 * weaver. A change in a weaver whose rmdir is in flight has its event only if the kernel knows the
 * file: the call holds the lock of the directory. Those it came before are counted apart.
 */
#include "fs/poke/poke_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/metrics.h"
#include "fs/tree/ino.h"

/* So many changes are looked at for one that need not wait. */
#define LOOK_MAX 64
/* With a helper that cannot be started memory must not grow for ever. */
#define COMMANDS_MAX 65536

/* All fields: poke_queue.lock. */
struct poke_command {
	struct list node; /* of its lane, waiting or out; or held */
	struct hash_node by_key, by_weaver;
	struct poke_what what;
	uint64_t sequence;
	enum { HELD, WAITING, OUT } place;
	bool done;      /* the kernel has our answer: the event is raised */
	bool withdrawn; /* while it was out */
};

void poke_queue_init(struct poke_queue *q, struct metrics *metrics)
{
	*q = (struct poke_queue){ .metrics = metrics };
	lock_init(&q->lock, LOCK_LEAF);
	for (unsigned i = 0; i < POKE_LANES; i++) {
		list_init(&q->lanes[i].waiting);
		list_init(&q->lanes[i].out);
	}
	list_init(&q->held);
}

static void commands_free(struct list *commands)
{
	list_for_each(c, commands, struct poke_command, node)
		free(c);
}

void poke_queue_done(struct poke_queue *q)
{
	for (unsigned i = 0; i < POKE_LANES; i++) {
		commands_free(&q->lanes[i].waiting);
		commands_free(&q->lanes[i].out);
	}
	commands_free(&q->held);
	hash_done(&q->pending);
	hash_done(&q->weavers);
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

static bool is_modify(const struct poke_command *c)
{
	return c->what.op == POKE_MODIFY;
}

/* Of the entry itself, or of a file in it. */
static bool has_name(const struct poke_command *c, uint64_t directory, const char *name)
{
	return c->what.directory == directory && strcmp(c->what.name, name) == 0;
}

static bool is_entry(const struct poke_command *c, uint64_t directory, const char *name)
{
	return !is_modify(c) && has_name(c, directory, name);
}

static bool is_file(const struct poke_command *c, uint64_t object, unsigned row)
{
	return is_modify(c) && c->what.object == object && c->what.row == row;
}

/* What the weaver's entry has become since is seen before any later change of a file in it. */
static bool entry_follows_locked(const struct poke_queue *q, const struct poke_command *c)
{
	hash_for_each_match(other, &q->weavers, c->what.weaver, struct poke_command, by_weaver)
		if (!is_modify(other) && other->sequence > c->sequence)
			return true;
	return false;
}

static bool modify_waits_locked(const struct poke_queue *q, const struct poke_what *what)
{
	hash_for_each_match(c, &q->pending, key_of(what), struct poke_command, by_key)
		if (is_file(c, what->object, what->row) && !c->done && !c->withdrawn &&
		    !entry_follows_locked(q, c))
			return true;
	return false;
}

/* One that waits in its lane or is out, and has not happened. */
static struct poke_command *waiting_locked(const struct poke_queue *q, uint64_t directory,
					   const char *name)
{
	hash_for_each_match(c, &q->pending, name_key(directory, name), struct poke_command, by_key)
		if (is_entry(c, directory, name) && c->place != HELD && !c->done && !c->withdrawn)
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

/* Whether c has to wait for the end of another. Of two changes in one weaver any may be first. */
static bool must_wait_locked(const struct poke_queue *q, const struct poke_command *c)
{
	hash_for_each_match(other, &q->weavers, c->what.weaver, struct poke_command, by_weaver)
		if (other->sequence < c->sequence && !(is_modify(c) && is_modify(other)))
			return true;
	if (is_modify(c))
		return false;
	hash_for_each_match(other, &q->pending, key_of(&c->what), struct poke_command, by_key)
		if (other->place == OUT && is_entry(other, c->what.directory, c->what.name))
			return true;
	return false;
}

/* ---- the life of a command ---- */

static struct poke_queue_lane *lane_of(struct poke_queue *q, const struct poke_command *c)
{
	return &q->lanes[is_modify(c) ? POKE_LANE_CHANGES : POKE_LANE_ENTRIES];
}

/* One that was held has its place among those that came since. */
static void push_locked(struct poke_queue *q, struct poke_command *c)
{
	struct poke_queue_lane *lane = lane_of(q, c);
	struct list *after = lane->waiting.prev;

	while (after != &lane->waiting &&
	       list_entry(after, struct poke_command, node)->sequence > c->sequence)
		after = after->prev;
	c->place = WAITING;
	list_insert(&c->node, after);
	lane->n++;
}

static void leave_locked(struct poke_queue *q, struct poke_command *c)
{
	struct poke_queue_lane *lane = lane_of(q, c);

	list_remove(&c->node);
	if (c->place != HELD)
		lane->n--;
	if (c->place == OUT)
		lane->n_out--;
}

static void forget_locked(struct poke_queue *q, struct poke_command *c)
{
	leave_locked(q, c);
	hash_remove(&q->pending, &c->by_key);
	hash_remove(&q->weavers, &c->by_weaver);
	free(c);
}

/* It will not be shown. */
static void miss_locked(struct poke_queue *q, struct poke_command *c, enum metric why)
{
	metrics_add(q->metrics, why, 1);
	if (c->place == OUT)
		c->withdrawn = true;
	else
		forget_locked(q, c);
}

static struct poke_command *command_new_locked(struct poke_queue *q, const struct poke_what *what)
{
	struct poke_command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	list_init(&c->node);
	c->what = *what;
	c->sequence = ++q->sequence;
	if (lane_of(q, c)->n < COMMANDS_MAX &&
	    hash_insert(&q->pending, &c->by_key, key_of(what)) == 0) {
		if (hash_insert(&q->weavers, &c->by_weaver, what->weaver) == 0)
			return c;
		hash_remove(&q->pending, &c->by_key);
	}
	free(c);
	return NULL;
}

void poke_queue_add(struct poke_queue *q, const struct poke_what *what, bool held)
{
	lock_guard(&q->lock);
	if (what->op == POKE_MODIFY && modify_waits_locked(q, what))
		return;
	struct poke_command *c = command_new_locked(q, what);
	if (!c)
		metrics_add(q->metrics, METRIC_EVENTS_MISSED, 1);
	else if (held)
		list_push_back(&q->held, &c->node);
	else
		push_locked(q, c);
}

/*
 * Entries come and go in the order of the server's events. A change that waits for its weaver's
 * entry, perhaps for a user's call of two seconds, lets those of other weavers pass.
 */
static struct poke_command *ready_locked(const struct poke_queue *q, enum poke_lane lane)
{
	unsigned look = lane == POKE_LANE_CHANGES ? LOOK_MAX : 1;

	list_for_each(c, &q->lanes[lane].waiting, struct poke_command, node) {
		if (look-- == 0)
			return NULL;
		if (!must_wait_locked(q, c))
			return c;
	}
	return NULL;
}

bool poke_queue_take(struct poke_queue *q, enum poke_lane lane, struct poke_what *ret)
{
	struct poke_queue_lane *l = &q->lanes[lane];
	lock_guard(&q->lock);
	struct poke_command *c = l->n_out < POKE_OUT_MAX ? ready_locked(q, lane) : NULL;
	if (!c)
		return false;
	list_remove(&c->node);
	list_push_back(&l->out, &c->node);
	c->place = OUT;
	l->n_out++;
	*ret = c->what;
	return true;
}

void poke_queue_finish(struct poke_queue *q, enum poke_lane lane, int error)
{
	lock_guard(&q->lock);
	struct poke_command *c = list_entry(q->lanes[lane].out.next, struct poke_command, node);

	if (error && !c->done && !c->withdrawn)
		metrics_add(q->metrics, METRIC_EVENTS_MISSED, 1);
	forget_locked(q, c);
}

void poke_queue_died(struct poke_queue *q, enum poke_lane lane)
{
	lock_guard(&q->lock);
	list_for_each(c, &q->lanes[lane].out, struct poke_command, node) {
		if (c->done || c->withdrawn) {
			forget_locked(q, c);
		} else {
			leave_locked(q, c);
			push_locked(q, c);
		}
	}
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
	     c = waiting_locked(q, directory, name))
		miss_locked(q, c, METRIC_EVENTS_MISSED);
}

/* A change before c that waits to be shown under the name that c has taken away. */
static struct poke_command *hidden_by_locked(const struct poke_queue *q,
					     const struct poke_command *c)
{
	hash_for_each_match(other, &q->weavers, c->what.weaver, struct poke_command, by_weaver)
		if (is_modify(other) && other->sequence < c->sequence && !other->done &&
		    !other->withdrawn && has_name(other, c->what.directory, c->what.name))
			return other;
	return NULL;
}

/* The held mkdir of what the same user's call has removed: it was a rename. */
static const struct poke_command *renamed_locked(const struct poke_queue *q,
						 const struct poke_command *c)
{
	hash_for_each_match(other, &q->weavers, c->what.weaver, struct poke_command, by_weaver)
		if (other->what.op == POKE_MKDIR && other->place == HELD)
			return other;
	return NULL;
}

void poke_queue_drop_first_held(struct poke_queue *q, uint64_t directory, const char *name)
{
	lock_guard(&q->lock);
	struct poke_command *c = held_locked(q, directory, name);
	if (!c)
		return;
	const struct poke_command *to = renamed_locked(q, c);
	for (struct poke_command *m = NULL;
	     c->what.op == POKE_RMDIR && (m = hidden_by_locked(q, c));) {
		if (to)
			memcpy(m->what.name, to->what.name, sizeof(m->what.name));
		else
			miss_locked(q, m, METRIC_EVENTS_OVERTAKEN);
	}
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

/* The command about that entry, or a file in it, which it does next; NULL: none. */
static struct poke_command *out_locked(const struct poke_queue_lane *lane, uint64_t directory,
				       const char *name)
{
	list_for_each(c, &lane->out, struct poke_command, node)
		if (lane->heeded && !c->withdrawn && !c->done && has_name(c, directory, name))
			return c;
	return NULL;
}

static struct poke_command *out_file_locked(const struct poke_queue_lane *lane, uint64_t object,
					    unsigned row)
{
	list_for_each(c, &lane->out, struct poke_command, node)
		if (lane->heeded && !c->withdrawn && !c->done && is_file(c, object, row))
			return c;
	return NULL;
}

enum poke_view poke_queue_lookup(struct poke_queue *q, pid_t caller, uint64_t directory,
				 const char *name, uint64_t *ret_object)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	const struct poke_command *c = lane ? out_locked(lane, directory, name) : NULL;
	if (!c)
		return POKE_NOT_OURS;
	if (c->what.op == POKE_MKDIR)
		return POKE_ABSENT;
	*ret_object = c->what.object;
	return POKE_PRESENT;
}

bool poke_queue_passes(struct poke_queue *q, pid_t caller, uint64_t object, unsigned row)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	if (!lane || !lane->heeded)
		return false;
	list_for_each(c, &lane->out, struct poke_command, node)
		if (is_modify(c) && !c->withdrawn && c->what.object == object &&
		    (row == INO_ROW_DIR || c->what.row == row))
			return true;
	return false;
}

enum poke_view poke_queue_entry(struct poke_queue *q, pid_t caller, enum poke_op op,
				uint64_t directory, const char *name, uint64_t *ret_object)
{
	lock_guard(&q->lock);
	const struct poke_queue_lane *lane = helper_locked(q, caller);
	if (!lane)
		return POKE_NOT_OURS;
	struct poke_command *c = out_locked(lane, directory, name);
	if (!c || c->what.op != op)
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
	/* None: by a name that means another weaver by now, whose file has not changed. */
	struct poke_command *c = out_file_locked(lane, object, row);
	if (!c)
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
