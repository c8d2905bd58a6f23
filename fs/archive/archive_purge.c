/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How entries go: by age and bytes, oldest first, and by rmdir. rmdir of one whose pod still
 * terminates first deletes that without grace, which takes it out of the API server at once,
 * whatever its node does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/archive/archive_private.h"
#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/pod_delete.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/tree/ino.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/request.h"

#define HOUR_S 3600

/* An rmdir. */
struct purge {
	struct list node; /* archive.purges */
	struct loop_job job;
	struct archive *archive;
	struct caller caller;
	char name[REGISTRY_NAME_MAX];
	struct archive_entry *entry; /* while its DELETE is out */
	struct request *request;
	bool forced; /* a DELETE without grace is part of it */
	void (*done)(void *data, int r, const struct error *e);
	void *data;
};

static void drop(struct archive_entry *entry)
{
	archive_log_end(entry, false);
	archive_entry_remove(entry);
	archive_forget(entry);
}

void archive_purge_trim(struct archive *a)
{
	const struct config *config = a->fs->config;
	int64_t now_ns = clock_monotonic_ns(), now_s = clock_realtime_ns() / CLOCK_NS_PER_S;
	int64_t next_s = HOUR_S;

	while (!list_empty(&a->closed)) {
		struct archive_entry *oldest =
			list_entry(a->closed.next, struct archive_entry, node);
		int64_t left_s = oldest->over_s + config->archive_hours * HOUR_S - now_s;

		if (left_s > 0 && a->bytes <= config->archive_max_bytes) {
			next_s = left_s < HOUR_S ? left_s : HOUR_S;
			break;
		}
		poke_removed(a->fs->poke, INO_OBJECT_ARCHIVE, oldest->view.name,
			     oldest->view.object);
		drop(oldest);
	}
	loop_timer_set(a->fs->loop, &a->trim, now_ns + next_s * CLOCK_NS_PER_S);
}

/* rmdir raises its own event. */
static void drop_by_user(struct archive_entry *entry)
{
	struct poke *poke = entry->archive->fs->poke;
	char name[REGISTRY_NAME_MAX];

	snprintf(name, sizeof(name), "%s", entry->view.name);
	poke_own_begin(poke, INO_OBJECT_ARCHIVE, name);
	drop(entry);
	poke_own_end(poke, INO_OBJECT_ARCHIVE, name, true);
}

static void finish(struct purge *p, int r, const struct error *e)
{
	struct errors *errors = p->archive->fs->errors;
	char path[REGISTRY_NAME_MAX + 16];

	snprintf(path, sizeof(path), ".archive/%s", p->name);
	if (r < 0)
		errors_add(errors, p->caller.uid, "rmdir", path, e);
	if (p->forced)
		record_done(p->caller.uid, p->caller.pid, "force", path, r < 0 ? e : NULL);
	p->done(p->data, r, r < 0 ? e : NULL);
	free(p);
}

static void on_deleted(void *data, const struct reply *reply)
{
	struct purge *p = data;
	bool gone = reply->r == 0 || reply->r == -ENOENT;

	list_remove(&p->node);
	if (gone)
		drop_by_user(p->entry);
	finish(p, gone ? 0 : reply->r, &reply->error);
}

static int force(struct purge *p, struct archive_entry *entry, struct error *e)
{
	struct weaverfs *fs = p->archive->fs;
	struct pod_delete d = {
		.name = entry->pod,
		.uid = entry->view.uid_text,
		.grace_s = 0,
		.deadline_ns =
			clock_monotonic_ns() + fs->config->create_timeout_ms * CLOCK_NS_PER_MS,
		.on_done = on_deleted,
		.data = p,
	};

	p->forced = true;
	if (client_away(fs->client, e))
		return -EHOSTUNREACH;
	p->request = pod_delete_start(fs, &d);
	if (!p->request)
		return error_oom(e);
	p->entry = entry;
	list_push_back(&p->archive->purges, &p->node);
	return 0;
}

static bool is_out(const struct archive_entry *entry)
{
	list_for_each(p, &entry->archive->purges, struct purge, node)
		if (p->entry == entry)
			return true;
	return false;
}

static void on_job(struct loop_job *job)
{
	struct purge *p = container_of(job, struct purge, job);
	struct archive_entry *entry = archive_by_name(p->archive, p->name);
	struct error e = ERROR_INIT;
	int r = 0;

	list_init(&p->node);
	if (!entry)
		r = error_set(&e, ENOENT, "no such entry");
	else if (is_out(entry))
		r = error_set(&e, EBUSY, "it is being removed");
	else if (!entry->over_s && !(entry->work && entry->work->gone))
		r = force(p, entry, &e);
	else
		drop_by_user(entry);
	if (r < 0 || !p->request)
		finish(p, r, &e);
}

void archive_purge_post(struct archive *a, const char *name, const struct caller *caller,
			void (*done)(void *data, int r, const struct error *e), void *data)
{
	struct purge *p = calloc(1, sizeof(*p));
	struct error e = ERROR_INIT;

	if (!p) {
		done(data, error_oom(&e), &e);
		return;
	}
	p->job.run = on_job;
	p->archive = a;
	p->caller = *caller;
	p->done = done;
	p->data = data;
	snprintf(p->name, sizeof(p->name), "%s", name);
	loop_post(a->fs->loop, &p->job);
}

void archive_purge_free(struct archive *a)
{
	struct error e = ERROR_INIT;

	error_set(&e, EIO, "weaverfs stops");
	list_for_each(p, &a->purges, struct purge, node) {
		list_remove(&p->node);
		request_cancel(p->request);
		finish(p, -EIO, &e);
	}
}
