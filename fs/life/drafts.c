/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock for all drafts; it is held for as long as it takes to find one and to exchange a
 * pointer. A hook runs on a copy without it, and again if another write was faster meanwhile.
 */
#include "fs/life/drafts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr/attr.h"
#include "fs/config/config.h"
#include "fs/tree/ino.h"
#include "fs/weaver/podspec_check.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"

#define DRAFTS_MAX 1000

struct draft {
	struct list node;
	struct drafts_view is; /* spec: the draft's own reference, exchanged by a write */
};

struct drafts {
	const struct weaverfs *fs;
	struct lock lock; /* LOCK_LEAF, guards all that follows */
	struct list all;  /* struct draft, in order of creation; the defaults first */
	size_t n;
	int64_t changed_ns; /* CLOCK_REALTIME: one came or went */
};

void drafts_view_done(struct drafts_view *v)
{
	podspec_unref(v->spec);
	*v = (struct drafts_view){ 0 };
}

static void view_fill(const struct draft *d, struct drafts_view *ret)
{
	*ret = d->is;
	podspec_ref(ret->spec);
}

static struct draft *find_locked(struct drafts *d, uint64_t object)
{
	list_for_each(draft, &d->all, struct draft, node) {
		if (draft->is.object == object)
			return draft;
	}
	return NULL;
}

/* The defaults have no name, and no name finds them. */
static struct draft *lookup_locked(struct drafts *d, const char *name)
{
	list_for_each(draft, &d->all, struct draft, node) {
		if (*name && strcmp(draft->is.name, name) == 0)
			return draft;
	}
	return NULL;
}

static void draft_free(struct draft *d)
{
	drafts_view_done(&d->is);
	free(d);
}

int drafts_new(struct weaverfs *fs, struct drafts **ret, struct error *e)
{
	struct drafts *d = calloc(1, sizeof(*d));
	struct draft *defaults = calloc(1, sizeof(*defaults));
	struct podspec *spec = d && defaults ? podspec_new(fs->config, e) : NULL;

	if (!spec) {
		free(d);
		free(defaults);
		return error_oom(e);
	}
	d->fs = fs;
	lock_init(&d->lock, LOCK_LEAF);
	list_init(&d->all);
	defaults->is = (struct drafts_view){ .object = INO_OBJECT_DEFAULTS,
					     .spec = spec,
					     .uid = fs->uid,
					     .gid = fs->gid,
					     .mode = 0755,
					     .changed_ns = fs->started_ns };
	list_push_back(&d->all, &defaults->node);
	*ret = d;
	return 0;
}

void drafts_free(struct drafts *d)
{
	if (!d)
		return;
	list_for_each(draft, &d->all, struct draft, node)
		draft_free(draft);
	lock_done(&d->lock);
	free(d);
}

/* ---- finding ---- */

int drafts_find(struct drafts *d, uint64_t object, struct drafts_view *ret)
{
	lock_guard(&d->lock);
	struct draft *draft = find_locked(d, object);

	if (!draft)
		return -ENOENT;
	view_fill(draft, ret);
	return 0;
}

int64_t drafts_changed_ns(struct drafts *d)
{
	lock_guard(&d->lock);
	return d->changed_ns;
}

int drafts_lookup(struct drafts *d, const char *name, struct drafts_view *ret)
{
	lock_guard(&d->lock);
	struct draft *draft = lookup_locked(d, name);

	if (!draft)
		return -ENOENT;
	view_fill(draft, ret);
	return 0;
}

int drafts_list(struct drafts *d, struct drafts_name **ret, size_t *ret_n)
{
	lock_guard(&d->lock);
	struct drafts_name *names = calloc(d->n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	size_t n = 0;
	list_for_each(draft, &d->all, struct draft, node) {
		if (draft->is.object == INO_OBJECT_DEFAULTS)
			continue;
		names[n].object = draft->is.object;
		memcpy(names[n++].name, draft->is.name, sizeof(names[0].name));
	}
	*ret = names;
	*ret_n = n;
	return 0;
}

struct podspec *drafts_defaults(struct drafts *d)
{
	lock_guard(&d->lock);
	return podspec_ref(find_locked(d, INO_OBJECT_DEFAULTS)->is.spec);
}

/* ---- life of a draft ---- */

/* Puts draft into the list; -EEXIST, -EDQUOT. */
static int insert(struct drafts *d, struct draft *draft, struct error *e)
{
	lock_guard(&d->lock);

	if (lookup_locked(d, draft->is.name))
		return error_set(e, EEXIST, "there is a draft with this name");
	if (find_locked(d, draft->is.object))
		return error_set(e, EEXIST, "there is a draft with this number");
	if (d->n >= DRAFTS_MAX)
		return error_set(e, EDQUOT, "%d drafts are the most there can be", DRAFTS_MAX);
	list_push_back(&d->all, &draft->node);
	d->n++;
	d->changed_ns = draft->is.changed_ns;
	return 0;
}

int drafts_make(struct drafts *d, const char *name, uid_t uid, gid_t gid, mode_t mode,
		struct drafts_view *ret, struct error *e)
{
	char id[UUID_LEN + 1];
	int r = podspec_check_name(name, e);

	if (r == 0)
		r = uuid_v7(id, e);
	if (r < 0)
		return r;
	struct draft *draft = calloc(1, sizeof(*draft));
	struct podspec *defaults = drafts_defaults(d);
	struct podspec *spec = draft ? podspec_copy(defaults) : NULL;
	podspec_unref(defaults);
	if (!spec) {
		free(draft);
		return error_oom(e);
	}
	draft->is = (struct drafts_view){ .object = ino_object_of(id, "draft"),
					  .spec = spec,
					  .uid = uid,
					  .gid = gid,
					  .mode = mode & 0700,
					  .weaver_mode = mode & 0750,
					  .changed_ns = clock_realtime_ns() };
	snprintf(draft->is.name, sizeof(draft->is.name), "%s", name);
	list_init(&draft->node);
	view_fill(draft, ret); /* before others can reach it */
	r = insert(d, draft, e);
	if (r < 0) {
		drafts_view_done(ret);
		draft_free(draft);
	}
	return r;
}

static struct draft *take_out(struct drafts *d, const char *name, uint64_t object)
{
	lock_guard(&d->lock);
	struct draft *draft = object ? find_locked(d, object) : lookup_locked(d, name);

	if (!draft || draft->is.object == INO_OBJECT_DEFAULTS)
		return NULL;
	list_remove(&draft->node);
	d->n--;
	d->changed_ns = clock_realtime_ns();
	return draft;
}

int drafts_remove(struct drafts *d, const char *name)
{
	struct draft *draft = take_out(d, name, 0);

	if (!draft)
		return -ENOENT;
	draft_free(draft);
	return 0;
}

void drafts_used(struct drafts *d, uint64_t object)
{
	struct draft *draft = take_out(d, "", object);

	if (draft)
		draft_free(draft);
}

int drafts_rename(struct drafts *d, const char *name, const char *to, struct error *e)
{
	int r = podspec_check_name(to, e);

	if (r < 0)
		return r;
	lock_guard(&d->lock);
	struct draft *draft = lookup_locked(d, name);
	if (!draft)
		return error_set(e, ENOENT, "no such draft");
	if (lookup_locked(d, to))
		return error_set(e, EEXIST, "there is a draft with this name");
	snprintf(draft->is.name, sizeof(draft->is.name), "%s", to);
	d->changed_ns = draft->is.changed_ns = clock_realtime_ns();
	return 0;
}

/* ---- writing ---- */

/* Gives a draft `to` in place of `from`, a reference each. -EAGAIN: it has another by now. */
static int exchange(struct drafts *d, uint64_t object, struct podspec *from, struct podspec *to)
{
	lock_guard(&d->lock);
	struct draft *draft = find_locked(d, object);

	if (!draft)
		return -ENOENT;
	if (draft->is.spec != from)
		return -EAGAIN;
	draft->is.spec = to;
	draft->is.changed_ns = clock_realtime_ns();
	return 0;
}

static int write_once(struct drafts *d, uint64_t object, const struct attr *a, const char *content,
		      size_t len, struct error *e)
{
	struct drafts_view view;
	int r = drafts_find(d, object, &view);

	if (r < 0)
		return error_set(e, ENOENT, "the draft is gone");
	_cleanup_(drafts_view_done) struct drafts_view old = view;
	_cleanup_(podspec_unrefp) struct podspec *changed = podspec_copy(old.spec);
	if (!changed)
		return error_oom(e);
	r = a->draft(changed, content, len, e);
	if (r == 0)
		r = podspec_check_together(changed, d->fs->config, e);
	if (r == 0)
		r = exchange(d, object, old.spec, changed);
	if (r == -ENOENT)
		return error_set(e, ENOENT, "the draft is gone");
	if (r == 0) {
		podspec_unref(old.spec); /* the draft's own */
		move_ptr(&changed);
	}
	return r;
}

int drafts_write(struct drafts *d, uint64_t object, const struct attr *a, const char *content,
		 size_t len, struct error *e)
{
	int r;

	do {
		r = write_once(d, object, a, content, len, e);
	} while (r == -EAGAIN);
	return r;
}
