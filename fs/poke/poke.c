/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what changes to the helpers that show it. What a user's own call does is shown by the kernel
 * itself: between begin and end of such a call, changes of its name (or file) are held; the first
 * one is what the call did, and is dropped when it succeeds.
 */
#include "fs/poke/poke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/poke/poke_change.h"
#include "fs/poke/poke_growth.h"
#include "fs/poke/poke_mount.h"
#include "fs/poke/poke_process.h"
#include "fs/poke/poke_queue.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"

/* As long as a command may take by itself. */
#define EXCUSED_NS (5 * CLOCK_NS_PER_S)

/* Cluster thread. */
struct helper {
	struct poke *poke;
	enum poke_lane lane;
	struct poke_process *process; /* NULL: never started */
	bool usable;                  /* may be given commands */
};

struct poke {
	struct weaverfs *fs;
	struct poke_queue queue; /* any thread */
	/* Cluster thread. */
	struct helper helpers[POKE_LANES];
	struct list owns;   /* struct own */
	struct list writes; /* struct poke_write */
	struct poke_growth growth;
	int64_t last_own_ns; /* CLOCK_MONOTONIC: begin or end of a user's call */

	struct lock lock; /* LOCK_LEAF, guards what follows */
	bool running;     /* from poke_start() until the mount is no more */
	struct error why; /* it is not running */
};

/* Users' calls about one name that are in flight. Cluster thread. */
struct own {
	struct list node;
	uint64_t directory;
	char name[REGISTRY_NAME_MAX];
	unsigned calls;
};

/* ---- commands ---- */

/* A command of one may have waited for the end of the other's. */
static void helpers_run(struct poke *p)
{
	char path[POKE_PATH_MAX];
	struct poke_what what;

	for (struct helper *h = p->helpers; h < p->helpers + POKE_LANES; h++) {
		while (h->usable && poke_queue_take(&p->queue, h->lane, &what)) {
			poke_change_path(&what, path, sizeof(path));
			poke_process_send(h->process, what.op, path);
		}
	}
}

static void on_is(void *data, pid_t pid, bool heeded)
{
	struct helper *h = data;

	h->usable = h->usable && heeded;
	poke_queue_set_helper(&h->poke->queue, h->lane, pid, heeded);
}

static void on_ready(void *data)
{
	struct helper *h = data;

	h->usable = true;
	helpers_run(h->poke);
}

static void on_answered(void *data, int error, int fd)
{
	struct helper *h = data;

	cleanup_close(&fd);
	poke_queue_finish(&h->poke->queue, h->lane, error);
	helpers_run(h->poke);
}

static void on_ended(void *data)
{
	struct helper *h = data;

	h->usable = false;
	poke_queue_died(&h->poke->queue, h->lane);
	helpers_run(h->poke);
}

static void on_unmounted(void *data)
{
	struct helper *h = data;
	lock_guard(&h->poke->lock);

	h->poke->running = false;
	error_set(&h->poke->why, ENODEV, "%s is not mounted any more", h->poke->fs->mountpoint);
}

/* Each user's call holds the directory for a bounded time, and they queue for it as we do. */
static bool on_late(void *data)
{
	const struct helper *h = data;
	const struct poke *p = h->poke;

	return !list_empty(&p->owns) || clock_monotonic_ns() - p->last_own_ns < EXCUSED_NS;
}

static const struct poke_process_ops process_ops = {
	.is = on_is,
	.ready = on_ready,
	.answered = on_answered,
	.ended = on_ended,
	.unmounted = on_unmounted,
	.excused = on_late,
};

/* ---- names ---- */

static struct own *own_find(struct poke *p, uint64_t directory, const char *name)
{
	list_for_each(o, &p->owns, struct own, node)
		if (o->directory == directory && strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static void entry_changed(struct poke *p, enum poke_op op, uint64_t directory, const char *name,
			  uint64_t object)
{
	if (!poke_running(p, NULL))
		return;
	struct poke_what what = {
		.op = op, .weaver = object, .object = object, .directory = directory
	};
	snprintf(what.name, sizeof(what.name), "%s", name);
	poke_queue_add(&p->queue, &what, own_find(p, directory, name) != NULL);
	helpers_run(p);
}

void poke_added(struct poke *p, uint64_t directory, const char *name, uint64_t object)
{
	entry_changed(p, POKE_MKDIR, directory, name, object);
}

void poke_removed(struct poke *p, uint64_t directory, const char *name, uint64_t object)
{
	entry_changed(p, POKE_RMDIR, directory, name, object);
}

void poke_own_begin(struct poke *p, uint64_t directory, const char *name)
{
	if (!poke_running(p, NULL))
		return;
	p->last_own_ns = clock_monotonic_ns();
	struct own *own = own_find(p, directory, name);
	if (!own) {
		own = calloc(1, sizeof(*own));
		if (!own)
			return; /* an event too many, at worst */
		own->directory = directory;
		snprintf(own->name, sizeof(own->name), "%s", name);
		list_push_back(&p->owns, &own->node);
	}
	own->calls++;
}

void poke_own_end(struct poke *p, uint64_t directory, const char *name, bool succeeded)
{
	struct own *own = p ? own_find(p, directory, name) : NULL;

	if (!own)
		return;
	p->last_own_ns = clock_monotonic_ns();
	if (succeeded) {
		poke_queue_withdraw(&p->queue, directory, name);
		poke_queue_drop_first_held(&p->queue, directory, name);
	}
	if (--own->calls > 0)
		return;
	poke_queue_release_held(&p->queue, directory, name);
	list_remove(&own->node);
	free(own);
	helpers_run(p);
}

/* ---- files ---- */

static bool being_written(struct poke *p, uint64_t object, unsigned row)
{
	list_for_each(w, &p->writes, struct poke_write, node) {
		if (w->object != object || w->row != row)
			continue;
		w->changed = true;
		return true;
	}
	return false;
}

static void modify(struct poke *p, const struct poke_what *what)
{
	if (!p->fs->session || !poke_change_visible(p->fs, what->object, what->row) ||
	    being_written(p, what->object, what->row))
		return;
	poke_queue_add(&p->queue, what, false);
	helpers_run(p);
}

/* One of the two numbers of a weaver: it is reached by its id too. */
static void modify_number(struct poke *p, const struct registry_view *w, uint64_t object,
			  unsigned row)
{
	struct poke_what what = { .op = POKE_MODIFY,
				  .weaver = w->object,
				  .object = object,
				  .directory = INO_OBJECT_ROOT,
				  .row = row };

	snprintf(what.name, sizeof(what.name), "%s",
		 object == w->object ? w->name : weaver_id(w->pod));
	modify(p, &what);
}

static void modify_weaver(struct poke *p, const struct registry_view *w, unsigned row)
{
	uint64_t alias = ino_object_of(w->pod->uid, "id");

	modify_number(p, w, w->object, row);
	if (alias != w->object)
		modify_number(p, w, alias, row);
}

void poke_changed(struct poke *p, uint64_t object, unsigned row)
{
	struct registry_view w;

	if (!poke_running(p, NULL))
		return;
	if (registry_find(p->fs->registry, object, &w) < 0) {
		struct poke_what what;
		if (poke_change_archived(p->fs, object, row, &what))
			modify(p, &what);
		return;
	}
	if (w.shown)
		modify_weaver(p, &w, row);
	registry_view_done(&w);
}

static void on_changed(void *data, uint64_t object, unsigned row)
{
	poke_changed(data, object, row);
}

void poke_grown(struct poke *p, uint64_t object, unsigned row)
{
	if (poke_running(p, NULL))
		poke_growth_seen(&p->growth, object, row);
}

void poke_write_begin(struct poke *p, struct poke_write *w, uint64_t object, unsigned row)
{
	*w = (struct poke_write){ .object = object, .row = row };
	list_init(&w->node);
	if (p)
		list_push_back(&p->writes, &w->node);
}

static void show_written(struct poke *p, const struct poke_write *written)
{
	struct registry_view by_number, w;

	if (registry_find(p->fs->registry, written->object, &by_number) < 0)
		return;
	if (registry_find_uid(p->fs->registry, by_number.pod->uid, &w) == 0) {
		if (w.shown)
			modify_number(p, &w, written->object, written->row);
		registry_view_done(&w);
	}
	registry_view_done(&by_number);
}

void poke_write_end(struct poke *p, struct poke_write *w, bool succeeded)
{
	list_remove(&w->node);
	if (p && w->changed && !succeeded)
		show_written(p, w);
}

/* ---- what a change of the registry means ---- */

void poke_gone(struct poke *p, const struct registry_view *last)
{
	unsigned row;

	if (!poke_running(p, NULL))
		return;
	while (poke_growth_take(&p->growth, last->object, &row))
		modify_weaver(p, last, row);
	poke_removed(p, INO_OBJECT_ROOT, last->name, last->object);
}

static void compare(struct poke *p, const struct registry_view *before,
		    const struct registry_view *after)
{
	bool was = before && before->shown, is = after->shown;
	bool renamed = was && is && strcmp(before->name, after->name) != 0;

	if (was && !is)
		poke_gone(p, before);
	if (renamed)
		poke_removed(p, INO_OBJECT_ROOT, before->name, before->object);
	if (is && (!was || renamed))
		poke_added(p, INO_OBJECT_ROOT, after->name, after->object);
	if (was && is && p->fs->session)
		poke_change_compare(p->fs, before, after, on_changed, p);
}

void poke_publish_begin(struct poke *p, const char *uid, struct poke_publication *w)
{
	*w = (struct poke_publication){ 0 };
	if (!poke_running(p, NULL))
		return;
	poke_queue_publish_begin(&p->queue);
	w->open = true;
	if (!uid)
		return;
	snprintf(w->uid, sizeof(w->uid), "%s", uid);
	w->known = registry_find_uid(p->fs->registry, uid, &w->before) == 0;
}

void poke_publish_end(struct poke *p, struct poke_publication *w)
{
	struct registry_view after;

	if (!w->open)
		return;
	if (w->uid[0] && registry_find_uid(p->fs->registry, w->uid, &after) == 0) {
		compare(p, w->known ? &w->before : NULL, &after);
		registry_view_done(&after);
	}
	if (w->known)
		registry_view_done(&w->before);
	poke_queue_publish_end(&p->queue);
}

/* ---- from ops ---- */

enum poke_view poke_lookup(struct poke *p, pid_t caller, uint64_t directory, const char *name,
			   uint64_t *ret_object)
{
	return p ? poke_queue_lookup(&p->queue, caller, directory, name, ret_object)
		 : POKE_NOT_OURS;
}

bool poke_passes(struct poke *p, pid_t caller, uint64_t object, unsigned row)
{
	return p && poke_queue_passes(&p->queue, caller, object, row);
}

enum poke_view poke_mkdir(struct poke *p, pid_t caller, uint64_t directory, const char *name,
			  uint64_t *ret_object)
{
	return p ? poke_queue_entry(&p->queue, caller, POKE_MKDIR, directory, name, ret_object)
		 : POKE_NOT_OURS;
}

enum poke_view poke_rmdir(struct poke *p, pid_t caller, uint64_t directory, const char *name)
{
	uint64_t object;

	return p ? poke_queue_entry(&p->queue, caller, POKE_RMDIR, directory, name, &object)
		 : POKE_NOT_OURS;
}

enum poke_view poke_setattr(struct poke *p, pid_t caller, uint64_t object, unsigned row)
{
	return p ? poke_queue_setattr(&p->queue, caller, object, row) : POKE_NOT_OURS;
}

bool poke_pending(struct poke *p, uint64_t directory, const char *name)
{
	return p && poke_queue_pending(&p->queue, directory, name);
}

bool poke_running(struct poke *p, struct error *e)
{
	if (!p)
		return false;
	lock_guard(&p->lock);
	if (!p->running && e)
		*e = p->why;
	return p->running;
}

/* ---- life cycle ---- */

int poke_new(struct weaverfs *fs, struct poke **ret, struct error *e)
{
	struct poke *p = calloc(1, sizeof(*p));

	if (!p)
		return error_oom(e);
	p->fs = fs;
	poke_queue_init(&p->queue, fs->metrics);
	list_init(&p->owns);
	list_init(&p->writes);
	poke_growth_init(&p->growth, fs->loop, on_changed, p);
	for (unsigned i = 0; i < POKE_LANES; i++)
		p->helpers[i] = (struct helper){ .poke = p, .lane = i };
	lock_init(&p->lock, LOCK_LEAF);
	error_set(&p->why, EAGAIN, "inotify shows changes of others from the mount on");
	*ret = p;
	return 0;
}

static int start(struct poke *p, struct error *e)
{
	dev_t device;

	if (geteuid() != 0)
		return error_set(e, EPERM, "only a mount by root can raise their events");
	/* The helpers make their own; this one shows that it can be made. */
	_cleanup_(cleanup_close) int clone = poke_mount_clone(p->fs->mountpoint, &device, e);
	int r = clone < 0 ? clone : 0;
	for (unsigned i = 0; i < POKE_LANES && r == 0; i++) {
		struct poke_process_spec spec = {
			.loop = p->fs->loop,
			.mountpoint = p->fs->mountpoint,
			.device = device,
			.purpose = "events",
			.ops = &process_ops,
			.data = &p->helpers[i],
		};
		r = poke_process_new(&spec, &p->helpers[i].process, e);
	}
	return r;
}

static void end_helpers(struct poke *p)
{
	for (unsigned i = 0; i < POKE_LANES; i++) {
		poke_process_free(p->helpers[i].process);
		p->helpers[i].process = NULL;
		p->helpers[i].usable = false;
	}
}

void poke_start(struct poke *p)
{
	struct error e = ERROR_INIT;
	int r = start(p, &e);

	if (r < 0) {
		error_wrap(&e, r, "inotify shows no changes of others");
		end_helpers(p);
	}
	lock_guard(&p->lock);
	p->running = r == 0;
	p->why = e;
}

void poke_free(struct poke *p)
{
	if (!p)
		return;
	end_helpers(p);
	list_for_each(own, &p->owns, struct own, node)
		free(own);
	poke_growth_done(&p->growth);
	/* Those who write end it later, without us. */
	list_for_each(w, &p->writes, struct poke_write, node)
		list_remove(&w->node);
	poke_queue_done(&p->queue);
	lock_done(&p->lock);
	free(p);
}
