/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is open from the moment the weaver leaves the root until its pod is gone and its log has
 * been copied to the end; then it is closed and never changes again. What sync tells of a pod goes
 * to the entry's work (archive_log.c), and of weavers that have ended but are still there to
 * archive_fetch.c.
 *
 * FUSE threads see copies of the views, made under the lock, and open the files by their paths.
 */
#include "fs/archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/archive/archive_private.h"
#include "fs/archive/archive_values.h"
#include "fs/attr/attr.h"
#include "fs/errors.h"
#include "fs/poke/poke.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/uuid.h"
#include "k8s/request.h"

/* ---- finding ---- */

static struct archive_entry *by_object(struct archive *a, uint64_t object)
{
	hash_for_each_match(entry, &a->objects, object, struct archive_entry, by_object)
		if (entry->view.object == object)
			return entry;
	return NULL;
}

struct archive_entry *archive_by_name(struct archive *a, const char *name)
{
	hash_for_each_match(entry, &a->names, hash_str(name), struct archive_entry, by_name)
		if (strcmp(entry->view.name, name) == 0)
			return entry;
	return NULL;
}

struct archive_entry *archive_by_uid(struct archive *a, const char *uid)
{
	struct archive_entry *entry = by_object(a, ino_object_of(uid, "archive"));

	return entry && strcmp(entry->view.uid_text, uid) == 0 ? entry : NULL;
}

int archive_find(struct archive *a, uint64_t object, struct archive_view *ret)
{
	lock_guard(&a->lock);
	const struct archive_entry *entry = by_object(a, object);

	if (!entry)
		return -ENOENT;
	*ret = entry->view;
	return 0;
}

int archive_lookup(struct archive *a, const char *name, struct archive_view *ret)
{
	lock_guard(&a->lock);
	const struct archive_entry *entry = archive_by_name(a, name);

	if (!entry)
		return -ENOENT;
	*ret = entry->view;
	return 0;
}

int archive_list(struct archive *a, struct archive_view **ret, size_t *ret_n)
{
	lock_guard(&a->lock);
	struct archive_view *views = calloc(a->n + 1, sizeof(*views));
	size_t n = 0;

	if (!views)
		return -ENOMEM;
	list_for_each(entry, &a->closed, struct archive_entry, node)
		views[n++] = entry->view;
	list_for_each(entry, &a->open, struct archive_entry, node)
		views[n++] = entry->view;
	*ret = views;
	*ret_n = n;
	return 0;
}

static int entry_path(struct archive *a, uint64_t object, struct buf *path)
{
	struct archive_view view;
	int r = archive_find(a, object, &view);

	if (r < 0)
		return r;
	buf_printf(path, "%s/%s", a->dir, view.uid_text);
	return buf_error(path);
}

int archive_open_file(struct archive *a, uint64_t object, const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	int r = entry_path(a, object, &path);

	return r < 0 ? r : archive_values_open(path.data, name);
}

off_t archive_file_size(struct archive *a, uint64_t object, const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	return entry_path(a, object, &path) < 0 ? 0 : archive_values_size(path.data, name);
}

/* ---- coming and going ---- */

/* Closed ones stand in the order of their end: an entry read from the disk finds its place. */
static void place(struct archive_entry *entry)
{
	struct archive *a = entry->archive;

	list_remove(&entry->node);
	if (!entry->over_s) {
		list_push_back(&a->open, &entry->node);
		return;
	}
	struct list *after = a->closed.prev;
	while (after != &a->closed &&
	       list_entry(after, struct archive_entry, node)->over_s > entry->over_s)
		after = after->prev;
	list_insert(&entry->node, after);
	a->bytes += entry->bytes;
}

int archive_insert(struct archive_entry *entry)
{
	struct archive *a = entry->archive;

	lock_guard(&a->lock);
	if (archive_by_name(a, entry->view.name))
		snprintf(entry->view.name, sizeof(entry->view.name), "%s", entry->view.uid_text);
	if (hash_insert(&a->objects, &entry->by_object, entry->view.object) < 0)
		return -ENOMEM;
	if (hash_insert(&a->names, &entry->by_name, hash_str(entry->view.name)) < 0) {
		hash_remove(&a->objects, &entry->by_object);
		return -ENOMEM;
	}
	place(entry);
	a->n++;
	a->changed_ns = clock_realtime_ns();
	return 0;
}

int64_t archive_changed_ns(struct archive *a)
{
	lock_guard(&a->lock);
	return a->changed_ns;
}

void archive_forget(struct archive_entry *entry)
{
	struct archive *a = entry->archive;
	{
		lock_guard(&a->lock);
		hash_remove(&a->objects, &entry->by_object);
		hash_remove(&a->names, &entry->by_name);
		list_remove(&entry->node);
		a->n--;
		a->changed_ns = clock_realtime_ns();
	}
	if (entry->over_s)
		a->bytes -= entry->bytes;
	free(entry);
}

void archive_set_over(struct archive_entry *entry)
{
	lock_guard(&entry->archive->lock);
	entry->view.terminating = false;
	place(entry);
}

void archive_note(struct archive_entry *entry, const struct error *e)
{
	struct weaverfs *fs = entry->archive->fs;
	char path[REGISTRY_NAME_MAX + 16];

	snprintf(path, sizeof(path), ".archive/%s", entry->view.name);
	errors_add(fs->errors, entry->view.uid, "archive", path, e);
}

/* A second pod with a name is shown as name~id8 in the root already. */
static void make_name(const struct registry_view *w, char *to, size_t size)
{
	const char *id8 = uuid_id8(weaver_id(w->pod)), *tilde = strrchr(w->name, '~');

	if (tilde && strcmp(tilde + 1, id8) == 0)
		snprintf(to, size, "%s", w->name);
	else
		snprintf(to, size, "%.63s~%s", w->name, id8);
}

static struct archive_entry *entry_new(struct archive *a, const struct registry_view *w)
{
	struct archive_entry *entry = calloc(1, sizeof(*entry));
	struct weaver_owner owner = weaver_owner(w->pod, a->fs->uid, a->fs->gid);
	const struct pod *pod = w->pod;

	if (!entry)
		return NULL;
	list_init(&entry->node);
	entry->archive = a;
	/* The stamp is when the grace ends; what was gone at once has none. */
	entry->begun_s =
		pod->deleted_s ? pod->deleted_s - pod->grace_s : client_server_time(a->fs->client);
	snprintf(entry->pod, sizeof(entry->pod), "%s", pod->name);
	entry->view = (struct archive_view){
		.object = ino_object_of(pod->uid, "archive"),
		.uid = owner.uid,
		.gid = owner.gid,
		.mode = owner.mode,
		.changed_ns = clock_realtime_ns(),
		.terminating = true,
	};
	snprintf(entry->view.uid_text, sizeof(entry->view.uid_text), "%s", pod->uid);
	make_name(w, entry->view.name, sizeof(entry->view.name));
	return entry;
}

static void begin(struct archive *a, const struct registry_view *w)
{
	struct error e = ERROR_INIT;
	struct archive_entry *entry = uuid_valid(w->pod->uid) ? entry_new(a, w) : NULL;

	if (!entry)
		return;
	entry->audited = weaver_sidecar(w->pod);
	entry->complete[SPOOL_LOGS] = archive_fetch_complete(a, w->pod->uid);
	int r = archive_log_new(entry, &e);
	if (r == 0)
		r = archive_entry_create(entry, w, &e);
	struct poke_publication poking;
	poke_publish_begin(a->fs->poke, NULL, &poking);
	if (r == 0 && archive_insert(entry) < 0)
		r = error_oom(&e);
	if (r == 0)
		poke_added(a->fs->poke, INO_OBJECT_ARCHIVE, entry->view.name, entry->view.object);
	poke_publish_end(a->fs->poke, &poking);
	if (r < 0) {
		archive_note(entry, &e);
		archive_log_end(entry, true);
		free(entry);
		return;
	}
	if (archive_log_begin(entry, w, &e) < 0)
		archive_note(entry, &e);
}

/* ---- what sync says ---- */

void archive_pod_changed(struct archive *a, const char *uid, bool left)
{
	struct registry_view w;

	if (!a->dir || registry_find_uid(a->fs->registry, uid, &w) < 0)
		return;
	struct archive_entry *entry = archive_by_uid(a, uid);
	if (entry)
		archive_log_pod_changed(entry, &w, false);
	else if (left)
		begin(a, &w);
	else if (!w.pod->deleted_s)
		archive_fetch_pod_changed(a, &w);
	registry_view_done(&w);
}

void archive_pod_gone(struct archive *a, const struct registry_view *last)
{
	const char *uid = last->pod->uid;

	if (!a->dir)
		return;
	if (!archive_by_uid(a, uid) && last->shown)
		begin(a, last);
	archive_fetch_forget(a, uid);
	struct archive_entry *entry = archive_by_uid(a, uid);
	if (entry)
		archive_log_pod_changed(entry, last, true);
}

/* What an entry has had since it began: for who watches it, too. */
static void rewrite(struct archive_entry *entry, const char *file, const char *content, size_t len)
{
	struct error e = ERROR_INIT;

	if (archive_entry_write(entry, file, content, len, &e) < 0)
		archive_note(entry, &e);
	else
		poke_changed(entry->archive->fs->poke, entry->view.object,
			     table_find(file, ATTR_ARCHIVE, NULL));
}

void archive_pod_json(struct archive *a, const char *uid, const char *json, size_t len)
{
	struct archive_entry *entry = a->dir ? archive_by_uid(a, uid) : NULL;
	_cleanup_(buf_done) struct buf line = BUF_INIT;
	struct error e = ERROR_INIT;

	if (!entry || entry->over_s)
		return;
	buf_add(&line, json, len);
	if (len && json[len - 1] != '\n')
		buf_add_char(&line, '\n');
	if (buf_error(&line) < 0) {
		error_oom(&e);
		archive_note(entry, &e);
		return;
	}
	rewrite(entry, "pod.json", line.data, line.len);
}

void archive_deleted_by(struct archive *a, const char *uid, const char *by)
{
	struct archive_entry *entry = a->dir ? archive_by_uid(a, uid) : NULL;
	char line[80];

	if (!entry)
		return;
	int len = snprintf(line, sizeof(line), "%.70s\n", by);
	rewrite(entry, "deleted_by", line, (size_t)len);
}

bool archive_wants_spool(struct archive *a, const char *uid)
{
	const struct archive_entry *entry = archive_by_uid(a, uid);

	return entry && !entry->over_s;
}

/* The first list brings those that terminate already; of what sync was not told of, begin here. */
static void adopt_terminating(struct archive *a)
{
	struct registry_entry *weavers = NULL;
	size_t n = 0;

	if (registry_list_take(a->fs->registry, true, &weavers, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		archive_pod_changed(a, weavers[i].pod->uid, weavers[i].terminating);
	registry_list_free(weavers, n);
}

void archive_ready(struct archive *a)
{
	struct error e = ERROR_INIT;

	if (!a->dir)
		return;
	adopt_terminating(a);
	list_for_each(entry, &a->open, struct archive_entry, node)
		if (!entry->work && archive_log_resume(entry, &e) < 0)
			archive_note(entry, &e);
	archive_purge_trim(a);
}

void archive_purge(struct archive *a, const char *name, const struct caller *caller,
		   void (*done)(void *data, int r, const struct error *e), void *data)
{
	archive_purge_post(a, name, caller, done, data);
}

/* ---- life cycle ---- */

static void trim_fire(struct loop_timer *t)
{
	archive_purge_trim(container_of(t, struct archive, trim));
}

int archive_new(struct weaverfs *fs, struct archive **ret, struct error *e)
{
	struct archive *a = calloc(1, sizeof(*a));

	if (!a)
		return error_oom(e);
	a->fs = fs;
	list_init(&a->open);
	list_init(&a->closed);
	list_init(&a->fetches);
	list_init(&a->purges);
	loop_timer_init(&a->trim, trim_fire);
	lock_init(&a->lock, LOCK_LEAF);
	int r = 0;
	if (*fs->state_dir && asprintf(&a->dir, "%s/archive", fs->state_dir) < 0) {
		a->dir = NULL;
		r = error_oom(e);
	}
	if (r == 0 && a->dir)
		r = archive_entry_load_all(a, e);
	if (r < 0) {
		archive_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

static void free_all(struct list *entries)
{
	while (!list_empty(entries)) {
		struct archive_entry *entry = list_entry(entries->next, struct archive_entry, node);

		archive_log_end(entry, true);
		archive_forget(entry);
	}
}

void archive_free(struct archive *a)
{
	if (!a)
		return;
	archive_purge_free(a);
	archive_fetch_free(a);
	free_all(&a->open);
	free_all(&a->closed);
	loop_timer_cancel(&a->trim);
	hash_done(&a->objects);
	hash_done(&a->names);
	lock_done(&a->lock);
	free(a->dir);
	free(a);
}
