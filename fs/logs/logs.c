/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One log_file for each weaver whose log was opened since the start. Opens and releases come from
 * the fuse thread as jobs, in order.
 *
 * The kernel is not told of appends: neither attributes nor pages of logs are ever cached.
 */
#include "fs/logs/logs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/archive/archive.h"
#include "fs/logs/log_file.h"
#include "fs/logs/spool.h"
#include "fs/registry.h"
#include "fs/stream/park.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"
#include "k8s/pod.h"

/* Cluster thread, but for what the lock guards. */
struct logs {
	struct weaverfs *fs;
	const struct log_source *source;
	struct list files; /* struct log_file */

	struct lock lock; /* LOCK_LEAF, guards what follows */
	struct loop_job release_job;
	bool release_posted;
	size_t opens;       /* not yet released */
	uint64_t *released; /* owned; room for every open, so that a release cannot fail */
	size_t n_released, cap_released;
};

static struct log_file *find_uid(struct logs *l, const char *uid)
{
	list_for_each(f, &l->files, struct log_file, node)
		if (strcmp(f->uid, uid) == 0)
			return f;
	return NULL;
}

static struct log_file *find_object(struct logs *l, uint64_t object)
{
	list_for_each(f, &l->files, struct log_file, node)
		if (f->objects[0] == object || f->objects[1] == object)
			return f;
	return NULL;
}

static int file_get(struct logs *l, uint64_t object, struct log_file **ret, struct error *e)
{
	struct registry_view v;

	if (registry_find(l->fs->registry, object, &v) < 0)
		return error_set(e, ENOENT, "this weaver is gone");
	struct log_file *f = find_uid(l, v.pod->uid);
	int r = 0;
	if (!l->source->container(v.pod))
		r = error_set(e, ENODATA, "%s", l->source->none);
	else if (!f)
		r = v.gone ? error_set(e, ENOENT, "this weaver is gone")
			   : log_file_new(l->fs, l->source, &v, &f, e);
	registry_view_done(&v);
	if (r < 0)
		return r;
	if (list_empty(&f->node))
		list_push_back(&l->files, &f->node);
	if (f->objects[0] != object && f->objects[1] != object)
		f->objects[f->objects[0] ? 1 : 0] = object;
	*ret = f;
	return 0;
}

static void opening_interrupted(struct park *p)
{
	struct log_opening *o = p->data;
	struct log_file *f = o->file;

	list_remove(&o->node);
	loop_timer_cancel(&o->deadline);
	fuse_reply_err(park_take(p), EINTR);
	o->opened(o->data, NULL, NULL, NULL);
	free(o);
	log_file_left(f);
}

static void opening_run(struct loop_job *job)
{
	struct log_opening *o = container_of(job, struct log_opening, job);
	struct error e = ERROR_INIT;
	int r = file_get(o->logs, o->object, &o->file, &e);

	if (r == 0) {
		o->park = park_new(o->logs->fs->loop, o->req, opening_interrupted);
		r = o->park ? 0 : error_oom(&e);
	}
	if (r < 0) {
		struct log_file *f = o->file;

		o->opened(o->data, o->req, NULL, &e);
		free(o);
		if (f)
			log_file_left(f);
		return;
	}
	o->park->data = o;
	log_file_ask(o->file, o);
}

void logs_open(struct logs *l, fuse_req_t req, uint64_t object, logs_opened *opened, void *data)
{
	struct log_opening *o = calloc(1, sizeof(*o));
	struct error e = ERROR_INIT;

	if (!o) {
		error_oom(&e);
		opened(data, req, NULL, &e);
		return;
	}
	list_init(&o->node);
	o->job.run = opening_run;
	o->logs = l;
	o->object = object;
	o->req = req;
	o->opened = opened;
	o->data = data;
	loop_post(l->fs->loop, &o->job);
}

/* ---- following ---- */

int logs_follow(struct logs *l, uint64_t object, struct spool **ret, struct error *e)
{
	struct log_file *f;
	int r = file_get(l, object, &f, e);

	if (r < 0)
		return r;
	log_file_follow(f);
	*ret = spool_ref(f->spool);
	return 0;
}

void logs_unfollow(struct logs *l, uint64_t object)
{
	struct log_file *f = find_object(l, object);

	assert(f && f->opens > 0);
	f->opens--;
	log_file_left(f);
}

bool logs_ended(struct logs *l, uint64_t object)
{
	const struct log_file *f = find_object(l, object);

	return !f || f->ended;
}

/* ---- releasing ---- */

int logs_reserve_release(struct logs *l)
{
	lock_guard(&l->lock);
	if (l->opens == l->cap_released) {
		size_t cap = l->cap_released ? 2 * l->cap_released : 16;
		uint64_t *released = realloc(l->released, cap * sizeof(*released));

		if (!released)
			return -ENOMEM;
		l->released = released;
		l->cap_released = cap;
	}
	l->opens++;
	return 0;
}

static bool release_next(struct logs *l, uint64_t *ret)
{
	lock_guard(&l->lock);
	if (l->n_released == 0) {
		l->release_posted = false;
		return false;
	}
	*ret = l->released[--l->n_released];
	l->opens--;
	return true;
}

static void release_run(struct loop_job *job)
{
	struct logs *l = container_of(job, struct logs, release_job);
	uint64_t object;

	while (release_next(l, &object)) {
		struct log_file *f = find_object(l, object);

		assert(f && f->opens > 0);
		f->opens--;
		log_file_left(f);
	}
}

void logs_release(struct logs *l, uint64_t object)
{
	bool post;
	{
		lock_guard(&l->lock);
		assert(l->n_released < l->cap_released);
		l->released[l->n_released++] = object;
		post = !l->release_posted;
		l->release_posted = true;
	}
	if (post)
		loop_post(l->fs->loop, &l->release_job);
}

/* ---- keepers ---- */

int logs_keep(struct logs *l, struct logs_keeper *k, const struct registry_view *v, bool complete,
	      struct error *e)
{
	struct log_file *f = find_uid(l, v->pod->uid);
	int r = f ? 0 : log_file_new(l->fs, l->source, v, &f, e);

	if (r < 0)
		return r;
	if (list_empty(&f->node))
		list_push_back(&l->files, &f->node);
	log_file_keep(f, k, complete);
	return 0;
}

void logs_unkeep(struct logs_keeper *k, bool spare)
{
	struct log_file *f = k->file;

	list_remove(&k->node);
	k->file = NULL;
	f->spared |= spare;
	log_file_left(f);
}

struct spool *logs_kept_spool(const struct logs_keeper *k)
{
	return k->file->spool;
}

const struct log_position *logs_kept_position(const struct logs_keeper *k)
{
	return &k->file->position;
}

bool logs_kept_ended(const struct logs_keeper *k, bool *ret_complete)
{
	*ret_complete = k->file->ended && !k->file->cut;
	return k->file->ended;
}

/* ---- life cycle, and what sync says ---- */

void logs_pod_changed(struct logs *l, const char *uid, bool gone)
{
	struct log_file *f = find_uid(l, uid);
	struct registry_view v;

	if (!f)
		return;
	bool known = registry_find_uid(l->fs->registry, uid, &v) == 0;
	log_file_pod_changed(f, known ? &v : NULL, gone);
	if (known)
		registry_view_done(&v);
}

void logs_ready(struct logs *l)
{
	char dir[4096], path[4096 + 300];

	if (!*l->fs->state_dir)
		return;
	snprintf(dir, sizeof(dir), "%s/%s", l->fs->state_dir, l->source->dir);
	DIR *d = opendir(dir);
	if (!d)
		return; /* none was ever made */
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		const char *dot = strrchr(entry->d_name, '.');
		struct registry_view v;
		char uid[64];

		if (!dot || dot == entry->d_name || dot - entry->d_name >= (ptrdiff_t)sizeof(uid) ||
		    (strcmp(dot, ".log") != 0 && strcmp(dot, ".pos") != 0))
			continue;
		snprintf(uid, sizeof(uid), "%.*s", (int)(dot - entry->d_name), entry->d_name);
		if (archive_wants_spool(l->fs->archive, uid))
			continue;
		if (registry_find_uid(l->fs->registry, uid, &v) == 0) {
			registry_view_done(&v);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	closedir(d);
}

int logs_new(struct weaverfs *fs, const struct log_source *source, struct logs **ret,
	     struct error *e)
{
	struct logs *l = calloc(1, sizeof(*l));

	if (!l)
		return error_oom(e);
	l->fs = fs;
	l->source = source;
	list_init(&l->files);
	lock_init(&l->lock, LOCK_LEAF);
	l->release_job.run = release_run;
	*ret = l;
	return 0;
}

void logs_free(struct logs *l)
{
	struct error e = ERROR_INIT;

	if (!l)
		return;
	error_set(&e, EIO, "weaverfs stops");
	list_for_each(f, &l->files, struct log_file, node) {
		while (!list_empty(&f->asked))
			log_file_answer(list_entry(f->asked.next, struct log_opening, node), &e);
		while (!list_empty(&f->later))
			log_file_answer(list_entry(f->later.next, struct log_opening, node), &e);
		log_file_free(f);
	}
	lock_done(&l->lock);
	free(l->released);
	free(l);
}
