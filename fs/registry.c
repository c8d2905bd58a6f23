/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A weaver is found by its object id (two: one under its name, one under its id), by name, by id
 * and by uid. All of it is under one lock; a pod's state is an immutable object that is exchanged,
 * so a reader holds the lock only for as long as it takes to copy a name and count a reference.
 *
 * A weaver leaves the tree when its pod has a deletionTimestamp or is gone, and memory when the pod
 * is gone and the last open file has been released.
 */
#include "fs/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/logs/last_line.h"
#include "fs/logs/spool.h"
#include "fs/registry_private.h"
#include "fs/tree/ino.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"

#define HOLD_BACK_NS (2 * CLOCK_NS_PER_S)

int registry_new(struct registry **ret, struct error *e)
{
	struct registry *r = calloc(1, sizeof(*r));
	if (!r)
		return error_oom(e);
	lock_init(&r->lock, LOCK_REGISTRY);
	list_init(&r->weavers);
	list_init(&r->held);
	*ret = r;
	return 0;
}

/* ---- finding ---- */

static struct weaver *find_object(struct registry *r, uint64_t object)
{
	hash_for_each_match(w, &r->objects, object, struct weaver, by_object)
		if (w->object == object)
			return w;
	hash_for_each_match(w, &r->aliases, object, struct weaver, by_alias)
		if (w->alias == object)
			return w;
	return NULL;
}

static struct weaver *find_uid(struct registry *r, const char *uid)
{
	hash_for_each_match(w, &r->uids, hash_str(uid), struct weaver, by_uid)
		if (strcmp(w->pod->uid, uid) == 0)
			return w;
	return NULL;
}

static struct weaver *find_name(struct registry *r, const char *name)
{
	hash_for_each_match(w, &r->names, hash_str(name), struct weaver, by_name)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

static struct weaver *find_id(struct registry *r, const char *id)
{
	hash_for_each_match(w, &r->ids, hash_str(id), struct weaver, by_id)
		if (w->place == PLACE_SHOWN && strcmp(weaver_id(w->pod), id) == 0)
			return w;
	return NULL;
}

/* Of what has left the tree only what is still open somewhere. */
static struct weaver *find_visible(struct registry *r, uint64_t object)
{
	struct weaver *w = find_object(r, object);
	return w && (w->place != PLACE_AWAY || w->opens) ? w : NULL;
}

static void spools_ref(struct spool *const from[SPOOL_KINDS], struct spool *to[SPOOL_KINDS])
{
	for (unsigned kind = 0; kind < SPOOL_KINDS; kind++)
		to[kind] = spool_ref(from[kind]);
}

static void spools_unref(struct spool *spools[SPOOL_KINDS])
{
	for (unsigned kind = 0; kind < SPOOL_KINDS; kind++)
		spool_unref(spools[kind]);
}

static int view_fill(const struct weaver *w, uint64_t object, struct registry_view *ret)
{
	if (!w)
		return -ENOENT;
	*ret = (struct registry_view){
		.object = object,
		.pod = pod_ref(w->pod),
		.events = event_list_ref(w->events),
		.last_line = last_line_ref(w->last_line),
		.changed_ns = w->changed_ns,
		.shown = w->place == PLACE_SHOWN,
		.gone = w->place == PLACE_AWAY,
		.held = w->place == PLACE_HELD,
		.deleted = w->gone,
	};
	spools_ref(w->spools, ret->spools);
	memcpy(ret->name, w->name, sizeof(ret->name));
	return 0;
}

void registry_view_copy(const struct registry_view *v, struct registry_view *ret)
{
	*ret = *v;
	pod_ref(v->pod);
	event_list_ref(v->events);
	spools_ref(v->spools, ret->spools);
	last_line_ref(v->last_line);
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
	event_list_unref(v->events);
	spools_unref(v->spools);
	last_line_unref(v->last_line);
	*v = (struct registry_view){ 0 };
}

int registry_find(struct registry *r, uint64_t object, struct registry_view *ret)
{
	lock_guard(&r->lock);
	return view_fill(find_visible(r, object), object, ret);
}

int registry_lookup(struct registry *r, const char *name, struct registry_view *ret)
{
	lock_guard(&r->lock);
	struct weaver *w = find_name(r, name);
	if (w)
		return view_fill(w, w->object, ret);
	w = find_id(r, name);
	return view_fill(w, w ? w->alias : 0, ret);
}

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	lock_guard(&r->lock);
	struct weaver *w = find_uid(r, uid);
	return view_fill(w, w ? w->object : 0, ret);
}

bool registry_name_taken(struct registry *r, const char *name)
{
	lock_guard(&r->lock);
	if (find_name(r, name))
		return true;
	list_for_each(w, &r->held, struct weaver, held)
		if (strcmp(w->wanted, name) == 0)
			return true;
	return false;
}

/* ---- life and death ---- */

static void weaver_free(struct weaver *w)
{
	pod_unref(w->pod);
	event_list_unref(w->events);
	spools_unref(w->spools);
	last_line_unref(w->last_line);
	free(w);
}

static void forget(struct registry *r, struct weaver *w)
{
	assert(w->place == PLACE_AWAY && w->gone && w->opens == 0);
	list_remove(&w->node);
	hash_remove(&r->objects, &w->by_object);
	hash_remove(&r->aliases, &w->by_alias);
	hash_remove(&r->ids, &w->by_id);
	hash_remove(&r->uids, &w->by_uid);
	weaver_free(w);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	list_for_each(w, &r->weavers, struct weaver, node)
		weaver_free(w);
	hash_done(&r->objects);
	hash_done(&r->aliases);
	hash_done(&r->names);
	hash_done(&r->ids);
	hash_done(&r->uids);
	lock_done(&r->lock);
	free(r);
}

static int weaver_insert(struct registry *r, struct weaver *w)
{
	list_push_back(&r->weavers, &w->node);
	if (hash_insert(&r->objects, &w->by_object, w->object) < 0 ||
	    hash_insert(&r->aliases, &w->by_alias, w->alias) < 0 ||
	    hash_insert(&r->ids, &w->by_id, hash_str(weaver_id(w->pod))) < 0 ||
	    hash_insert(&r->uids, &w->by_uid, hash_str(w->pod->uid)) < 0) {
		w->gone = true;
		forget(r, w);
		return -ENOMEM;
	}
	return 0;
}

static struct weaver *weaver_new(struct registry *r, const struct pod *pod)
{
	struct weaver *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	list_init(&w->held);
	w->place = PLACE_AWAY;
	w->object = ino_object_of(pod->uid, "");
	/*
	 * 56 bits of 10,000 uids collide once in 10^9 years of mounts; two weavers never share one.
	 */
	for (int n = 0; find_object(r, w->object) && n < 8; n++)
		w->object = ino_object_of(pod->uid, (const char[]){ 'c', (char)('0' + n), 0 });
	w->alias = ino_object_of(pod->uid, "id");
	w->pod = pod_ref(pod);
	w->changed_ns = pod->created_s * CLOCK_NS_PER_S;
	return weaver_insert(r, w) < 0 ? NULL : w;
}

/* Takes w out of the root. */
static void unplace(struct registry *r, struct weaver *w)
{
	if (w->place == PLACE_SHOWN) {
		hash_remove(&r->names, &w->by_name);
		r->root_changed_ns = clock_realtime_ns();
	}
	list_remove(&w->held);
	w->place = PLACE_AWAY;
}

static int show_as(struct registry *r, struct weaver *w, const char *name)
{
	if (w->name != name)
		snprintf(w->name, sizeof(w->name), "%s", name);
	if (hash_insert(&r->names, &w->by_name, hash_str(w->name)) < 0)
		return -ENOMEM;
	w->place = PLACE_SHOWN;
	r->root_changed_ns = clock_realtime_ns();
	return 0;
}

/* Shows w under its own name, or holds it back where that is taken. */
static int place(struct registry *r, struct weaver *w, int64_t now_ns)
{
	if (!find_name(r, w->wanted))
		return show_as(r, w, w->wanted);
	w->place = PLACE_HELD;
	w->held_until_ns = now_ns + HOLD_BACK_NS;
	list_push_back(&r->held, &w->held);
	memcpy(w->name, w->wanted, sizeof(w->name));
	return 0;
}

static int place_held(struct registry *r, struct weaver *w)
{
	if (!find_name(r, w->wanted))
		return show_as(r, w, w->wanted);
	char name[REGISTRY_NAME_MAX];
	const char *id = weaver_id(w->pod);
	snprintf(name, sizeof(name), "%.63s~%s", w->wanted, uuid_id8(id));
	return show_as(r, w, find_name(r, name) ? id : name);
}

/* Shows one whose time is over; false: none is left, and *ret_next says when. */
static bool publish_one(struct registry *r, int64_t now_ns, struct registry_view *ret,
			int64_t *ret_next)
{
	lock_guard(&r->lock);
	*ret_next = 0;
	list_for_each(w, &r->held, struct weaver, held) {
		if (w->held_until_ns > now_ns || place_held(r, w) < 0) {
			*ret_next = w->held_until_ns;
			return false;
		}
		list_remove(&w->held);
		view_fill(w, w->object, ret);
		return true;
	}
	return false;
}

int64_t registry_publish_held(struct registry *r, int64_t now_ns,
			      void (*shown)(void *data, const struct registry_view *w), void *data)
{
	struct registry_view w;
	int64_t next;

	while (publish_one(r, now_ns, &w, &next)) {
		shown(data, &w);
		registry_view_done(&w);
	}
	return next;
}

/* ---- changes ---- */

static enum registry_change apply_locked(struct registry *r, const struct pod *pod, int64_t now_ns)
{
	struct weaver *w = find_uid(r, pod->uid);
	bool known = w != NULL;
	if (!known)
		w = weaver_new(r, pod);
	if (!w)
		return REGISTRY_FAILED;

	w->generation = r->generation;
	if (known && strcmp(w->pod->resource_version, pod->resource_version) == 0)
		return REGISTRY_NONE;
	if (known) {
		pod_unref(w->pod);
		w->pod = pod_ref(pod);
		w->changed_ns = clock_realtime_ns();
	}
	w->gone = false;

	bool was_shown = w->place == PLACE_SHOWN;
	const char *wanted = weaver_name(pod);
	if (pod->deleted_s) {
		unplace(r, w);
		return was_shown ? REGISTRY_REMOVED : known ? REGISTRY_CHANGED : REGISTRY_NONE;
	}
	if (known && w->place != PLACE_AWAY && strcmp(w->wanted, wanted) == 0)
		return was_shown ? REGISTRY_CHANGED : REGISTRY_NONE;
	unplace(r, w);
	snprintf(w->wanted, sizeof(w->wanted), "%s", wanted);
	if (place(r, w, now_ns) < 0)
		return REGISTRY_FAILED;
	return was_shown                 ? REGISTRY_CHANGED
	       : w->place == PLACE_SHOWN ? REGISTRY_ADDED
					 : REGISTRY_NONE;
}

enum registry_change registry_apply(struct registry *r, const struct pod *pod, int64_t now_ns)
{
	lock_guard(&r->lock);
	return apply_locked(r, pod, now_ns);
}

static enum registry_change remove_locked(struct registry *r, struct weaver *w)
{
	bool was_shown = w->place == PLACE_SHOWN;
	unplace(r, w);
	w->gone = true;
	w->changed_ns = clock_realtime_ns();
	if (w->opens == 0)
		forget(r, w);
	return was_shown ? REGISTRY_REMOVED : REGISTRY_NONE;
}

enum registry_change registry_remove(struct registry *r, const char *uid)
{
	lock_guard(&r->lock);
	struct weaver *w = find_uid(r, uid);
	return w && !w->gone ? remove_locked(r, w) : REGISTRY_NONE;
}

int registry_add_event(struct registry *r, struct event *event)
{
	lock_guard(&r->lock);
	struct weaver *w = find_uid(r, event->involved_uid);
	if (!w)
		return -ENOENT;
	struct event_list *events = event_list_add(w->events, event);
	if (!events)
		return -ENOMEM;
	event_list_unref(w->events);
	w->events = events;
	w->changed_ns = clock_realtime_ns();
	return 0;
}

void registry_set_spool(struct registry *r, const char *uid, enum spool_kind kind,
			struct spool *spool)
{
	lock_guard(&r->lock);
	struct weaver *w = find_uid(r, uid);
	if (!w)
		return;
	spool_unref(w->spools[kind]);
	w->spools[kind] = spool_ref(spool);
}

void registry_set_last_line(struct registry *r, const char *uid, struct last_line *line)
{
	lock_guard(&r->lock);
	struct weaver *w = find_uid(r, uid);
	if (!w)
		return;
	last_line_unref(w->last_line);
	w->last_line = last_line_ref(line);
	w->changed_ns = clock_realtime_ns();
}

void registry_replace_begin(struct registry *r)
{
	lock_guard(&r->lock);
	r->generation++;
}

/*
 * The next one after *at that the replace did not bring, as it was, taken out of the tree; false:
 * none is left. *at stays a valid place while the lock is not held: only this thread takes a weaver
 * from the list whose pod is there.
 */
static bool vanish_next(struct registry *r, struct list **at, struct registry_view *ret)
{
	lock_guard(&r->lock);
	for (struct list *node = (*at)->next; node != &r->weavers; node = node->next) {
		struct weaver *w = list_entry(node, struct weaver, node);
		if (!w->gone && w->generation != r->generation) {
			view_fill(w, w->object, ret);
			remove_locked(r, w);
			return true;
		}
		if (!w->gone)
			*at = node;
	}
	return false;
}

void registry_replace_end(struct registry *r,
			  void (*removed)(void *data, const struct registry_view *last), void *data)
{
	struct list *at = &r->weavers;
	struct registry_view last;

	while (vanish_next(r, &at, &last)) {
		removed(data, &last);
		registry_view_done(&last);
	}
}

/* ---- opens, lists, counts ---- */

int registry_open(struct registry *r, uint64_t object)
{
	lock_guard(&r->lock);
	struct weaver *w = find_visible(r, object);
	if (w)
		w->opens++;
	return w ? 0 : -ENOENT;
}

void registry_release(struct registry *r, uint64_t object)
{
	lock_guard(&r->lock);
	struct weaver *w = find_object(r, object);
	assert(w && w->opens > 0);
	if (--w->opens == 0 && w->gone)
		forget(r, w);
}

int64_t registry_root_changed_ns(struct registry *r)
{
	lock_guard(&r->lock);
	return r->root_changed_ns;
}

void registry_counts(struct registry *r, struct registry_counts *ret)
{
	*ret = (struct registry_counts){ 0 };
	lock_guard(&r->lock);
	list_for_each(w, &r->weavers, struct weaver, node) {
		if (w->gone)
			continue;
		ret->present += w->place == PLACE_SHOWN;
		ret->terminating += w->place == PLACE_AWAY;
		ret->active += weaver_active(w->pod);
		const char *label = pod_label(w->pod, LOOM_LABEL_NAME);
		ret->unnamed += label && strcmp(label, w->wanted) != 0;
		ret->bytes += pod_size(w->pod) + sizeof(*w);
	}
}
