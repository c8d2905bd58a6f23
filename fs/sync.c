/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two watches of the namespace and what their events mean. Read-your-writes without comparing
 * resource versions (they are opaque): while a write of ours is out, the versions that the watch
 * brings for that pod are noted. If the version of the reply is among them, the registry already
 * has that state or a later one; if not, the reply's object is taken in and the watch's events for
 * the pod are skipped up to and including that version, since what comes before it is older.
 */
#include "fs/sync.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/archive/archive.h"
#include "fs/config/config.h"
#include "fs/life/change.h"
#include "fs/life/create.h"
#include "fs/life/reaper.h"
#include "fs/life/tombstones.h"
#include "fs/logs/audit.h"
#include "fs/logs/last_line_asker.h"
#include "fs/logs/logs.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/registry.h"
#include "fs/tree/ino.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "k8s/watch.h"

#define ORPHANS_MAX 256
#define AWAIT_NS (30 * CLOCK_NS_PER_S)

/* A version that a reply of ours has brought and the watch has not yet. */
struct await {
	struct list node;
	char uid[64];
	char version[24];
	int64_t since_ns;
	uint64_t generation;
};

/* An event whose pod is not known yet: the two watches are not in step. */
struct orphan {
	struct list node;
	struct event *event;
};

struct sync {
	struct weaverfs *fs;
	/* Cluster thread. */
	struct watch *pods, *events;
	struct sync_write *writes;
	struct list awaits, orphans;
	size_t n_orphans;
	uint64_t generation;
	bool replacing;
	struct loop_timer held;
	/* Any thread. */
	bool ready; /* atomic */
	struct lock lock;
	bool healthy;           /* lock */
	struct error unhealthy; /* lock */
};

/* ---- our own writes ---- */

void sync_write_begin(struct sync *s, struct sync_write *w, const char *uid)
{
	*w = (struct sync_write){ .next = s->writes };
	snprintf(w->uid, sizeof(w->uid), "%s", uid);
	s->writes = w;
}

void sync_write_end(struct sync *s, struct sync_write *w)
{
	for (struct sync_write **p = &s->writes; *p; p = &(*p)->next) {
		if (*p != w)
			continue;
		*p = w->next;
		return;
	}
}

static bool write_seen(const struct sync_write *w, const char *version)
{
	unsigned n = w->n_seen < ARRAY_SIZE(w->seen) ? w->n_seen : ARRAY_SIZE(w->seen);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(w->seen[i], version) == 0)
			return true;
	return false;
}

static void writes_note(struct sync *s, const struct pod *pod)
{
	for (struct sync_write *w = s->writes; w; w = w->next)
		if (strcmp(w->uid, pod->uid) == 0)
			snprintf(w->seen[w->n_seen++ % ARRAY_SIZE(w->seen)], sizeof(w->seen[0]),
				 "%s", pod->resource_version);
}

static struct await *find_await(struct sync *s, const char *uid)
{
	list_for_each(a, &s->awaits, struct await, node)
		if (strcmp(a->uid, uid) == 0)
			return a;
	return NULL;
}

static void await_free(struct await *a)
{
	list_remove(&a->node);
	free(a);
}

static void await_version(struct sync *s, const struct pod *pod)
{
	struct await *a = find_await(s, pod->uid);
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return; /* an older event may show for a moment: no harm but a flicker */
		snprintf(a->uid, sizeof(a->uid), "%s", pod->uid);
		list_push_back(&s->awaits, &a->node);
	}
	snprintf(a->version, sizeof(a->version), "%s", pod->resource_version);
	a->since_ns = clock_monotonic_ns();
	a->generation = s->generation;
}

/* Whether an event of the watch is older than a reply that has been taken in. */
static bool is_stale(struct sync *s, const struct pod *pod)
{
	struct await *a = find_await(s, pod->uid);
	if (!a)
		return false;
	bool reached = strcmp(a->version, pod->resource_version) == 0;
	bool relisted = s->generation != a->generation;
	bool overdue = clock_monotonic_ns() - a->since_ns > AWAIT_NS;
	if (!reached && !relisted && !overdue)
		return true;
	await_free(a);
	return false;
}

/* ---- pods ---- */

static void held_shown(void *data, const struct registry_view *w)
{
	struct sync *s = data;
	poke_added(s->fs->poke, INO_OBJECT_ROOT, w->name, w->object);
}

static void held_arm(struct sync *s)
{
	struct poke_publication poking;
	poke_publish_begin(s->fs->poke, NULL, &poking);
	int64_t next = registry_publish_held(s->fs->registry, clock_monotonic_ns(), held_shown, s);
	poke_publish_end(s->fs->poke, &poking);
	if (next)
		loop_timer_set(s->fs->loop, &s->held, next);
}

static void held_fire(struct loop_timer *t)
{
	held_arm(container_of(t, struct sync, held));
}

static void adopt_orphans(struct sync *s, const char *uid)
{
	list_for_each(o, &s->orphans, struct orphan, node) {
		if (strcmp(o->event->involved_uid, uid) != 0)
			continue;
		if (registry_add_event(s->fs->registry, o->event) == -ENOENT)
			event_free(o->event);
		list_remove(&o->node);
		s->n_orphans--;
		free(o);
	}
}

/* Into the registry, and to all who want to know of it. */
static void take_in(struct sync *s, const struct pod *pod)
{
	struct weaverfs *fs = s->fs;
	struct registry_view before;
	bool known = registry_find_uid(fs->registry, pod->uid, &before) == 0;
	struct poke_publication poking;
	poke_publish_begin(fs->poke, pod->uid, &poking);
	registry_apply(fs->registry, pod, clock_monotonic_ns());
	if (!known)
		adopt_orphans(s, pod->uid);
	poke_publish_end(fs->poke, &poking);
	archive_pod_changed(fs->archive, pod->uid, known && before.shown && pod->deleted_s);
	if (known || sync_ready(s))
		change_seen(fs, known ? &before : NULL, pod);
	if (known)
		registry_view_done(&before);
}

/* A state of a pod that is known to be newer than what the registry has. */
static void apply(struct sync *s, const struct pod *pod)
{
	struct weaverfs *fs = s->fs;
	take_in(s, pod);
	held_arm(s);
	reaper_pod_changed(fs->reaper, pod);
	logs_pod_changed(fs->logs[SPOOL_LOGS], pod->uid, false);
	logs_pod_changed(fs->logs[SPOOL_AUDIT], pod->uid, false);
	audit_pod_changed(fs->audit, pod->uid);
	last_line_asker_changed(fs->last_line, pod->uid);
	if (!pod->deleted_s)
		create_pod_seen(fs->create, pod);
}

static void removed(void *data, const struct registry_view *last)
{
	struct sync *s = data;
	struct await *a = find_await(s, last->pod->uid);
	if (a)
		await_free(a);
	/* Before the archive writes its files: who watches does not wait for the disk. */
	if (last->shown)
		poke_gone(s->fs->poke, last);
	archive_pod_gone(s->fs->archive, last); /* before the log: it keeps it */
	logs_pod_changed(s->fs->logs[SPOOL_LOGS], last->pod->uid, true);
	logs_pod_changed(s->fs->logs[SPOOL_AUDIT], last->pod->uid, true);
	audit_pod_gone(s->fs->audit, last->pod->uid);
	change_gone(s->fs, last);
}

void sync_pod_gone(struct sync *s, const char *uid)
{
	struct registry_view last;
	if (registry_find_uid(s->fs->registry, uid, &last) < 0)
		return;
	if (!last.deleted) {
		registry_remove(s->fs->registry, uid);
		removed(s, &last);
	}
	registry_view_done(&last);
}

static void pod_deleted(struct sync *s, const struct pod *pod)
{
	tombstones_deleted(s->fs->tombstones, pod->name);
	/* The last state first: an open file of a gone weaver answers with it. */
	struct registry_view view;
	if (registry_find_uid(s->fs->registry, pod->uid, &view) < 0)
		return;
	bool was_deleted = view.deleted;
	registry_view_done(&view);
	if (was_deleted)
		return;
	take_in(s, pod);
	sync_pod_gone(s, pod->uid);
}

static void on_pod(void *data, enum watch_event type, const char *json, size_t len)
{
	struct sync *s = data;
	struct pod *parsed = NULL;
	if (pod_parse(json, LOOM_CONTAINER, &parsed, NULL) < 0)
		return; /* no pod: nothing that could be shown or reaped */
	_cleanup_(pod_unrefp) struct pod *pod = parsed;
	writes_note(s, pod);
	if (type == WATCH_DELETED)
		pod_deleted(s, pod);
	else if (!tombstones_claims(s->fs->tombstones, pod) && !is_stale(s, pod))
		apply(s, pod);
	else
		return;
	if (type == WATCH_DELETED || pod->deleted_s)
		archive_pod_json(s->fs->archive, pod->uid, json, len);
}

void sync_write_reply(struct sync *s, struct sync_write *w, const struct pod *pod)
{
	bool seen = write_seen(w, pod->resource_version);
	sync_write_end(s, w);
	struct registry_view view;
	if (seen || registry_find_uid(s->fs->registry, pod->uid, &view) < 0)
		return;
	bool same = strcmp(view.pod->resource_version, pod->resource_version) == 0;
	bool gone = view.gone && !view.pod->deleted_s;
	registry_view_done(&view);
	if (same || gone)
		return;
	await_version(s, pod);
	apply(s, pod);
}

/* ---- replaces and health ---- */

static void on_events_begin(void *data)
{
	(void)data;
}

static void on_event(void *data, enum watch_event type, const char *json, size_t len)
{
	struct sync *s = data;
	(void)len;
	struct event *event = NULL;
	if (type == WATCH_DELETED || event_parse(json, &event, NULL) < 0)
		return; /* the server forgets events after an hour; the file keeps the last 64 */
	struct poke_publication poking;
	poke_publish_begin(s->fs->poke, event->involved_uid, &poking);
	int r = registry_add_event(s->fs->registry, event);
	poke_publish_end(s->fs->poke, &poking);
	if (r == 0) {
		change_event(s->fs, event->involved_uid);
		last_line_asker_changed(s->fs->last_line, event->involved_uid);
	}
	if (r != -ENOENT)
		return;
	struct orphan *o = calloc(1, sizeof(*o));
	if (!o) {
		event_free(event);
		return;
	}
	o->event = event;
	list_push_back(&s->orphans, &o->node);
	if (++s->n_orphans <= ORPHANS_MAX)
		return;
	struct orphan *oldest = list_entry(s->orphans.next, struct orphan, node);
	list_remove(&oldest->node);
	s->n_orphans--;
	event_free(oldest->event);
	free(oldest);
}

static void on_events_health(void *data, bool healthy, const struct error *e)
{
	/* The pods' watch tells of the same server; without events only `events` grows older. */
	(void)data;
	(void)healthy;
	(void)e;
}

static const struct watch_ops events_ops = {
	.replace_begin = on_events_begin,
	.replace_end = on_events_begin,
	.replace_abort = on_events_begin,
	.object = on_event,
	.health = on_events_health,
};

static void events_start(struct sync *s)
{
	char path[256];
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/events", s->fs->config->namespace_);
	struct watch_spec spec = {
		.client = s->fs->client,
		.path = path,
		.selector = "fieldSelector=involvedObject.kind%3DPod",
		.ops = &events_ops,
		.data = s,
	};
	struct error e = ERROR_INIT;
	if (watch_start(&spec, &s->events, &e) < 0)
		s->events = NULL; /* tried again after the next replace */
}

static void on_replace_begin(void *data)
{
	struct sync *s = data;
	s->generation++;
	s->replacing = true;
	registry_replace_begin(s->fs->registry);
	create_order_lost(s->fs->create);
	metrics_add(s->fs->metrics, METRIC_RELISTS, 1);
}

static void on_replace_end(void *data)
{
	struct sync *s = data;
	s->replacing = false;
	registry_replace_end(s->fs->registry, removed, s);
	if (!s->events)
		events_start(s); /* after the pods, so that few events find none */
	if (__atomic_exchange_n(&s->ready, true, __ATOMIC_ACQ_REL))
		return;
	archive_ready(s->fs->archive);
	logs_ready(s->fs->logs[SPOOL_LOGS]);
	logs_ready(s->fs->logs[SPOOL_AUDIT]);
}

static void on_replace_abort(void *data)
{
	/* What it brought was true; what it did not bring is not gone. The next replace decides. */
	struct sync *s = data;
	s->replacing = false;
}

static void on_health(void *data, bool healthy, const struct error *e)
{
	struct sync *s = data;
	lock_guard(&s->lock);
	s->healthy = healthy;
	s->unhealthy = healthy || !e ? (struct error)ERROR_INIT : *e;
}

static const struct watch_ops pods_ops = {
	.replace_begin = on_replace_begin,
	.replace_end = on_replace_end,
	.replace_abort = on_replace_abort,
	.object = on_pod,
	.health = on_health,
};

/* ---- life cycle ---- */

int sync_new(struct weaverfs *fs, struct sync **ret, struct error *e)
{
	struct sync *s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(e);
	s->fs = fs;
	list_init(&s->awaits);
	list_init(&s->orphans);
	loop_timer_init(&s->held, held_fire);
	lock_init(&s->lock, LOCK_LEAF);
	error_set(&s->unhealthy, EHOSTUNREACH, "the first list has not come yet");
	*ret = s;
	return 0;
}

int sync_start(struct sync *s, struct error *e)
{
	char path[256];
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods", s->fs->config->namespace_);
	struct watch_spec spec = {
		.client = s->fs->client,
		.path = path,
		.selector = "labelSelector=loom.dev%2Fmanaged%3Dtrue",
		.ops = &pods_ops,
		.data = s,
	};
	return watch_start(&spec, &s->pods, e);
}

void sync_free(struct sync *s)
{
	if (!s)
		return;
	assert(!s->writes);
	if (s->pods)
		watch_stop(s->pods);
	if (s->events)
		watch_stop(s->events);
	loop_timer_cancel(&s->held);
	list_for_each(a, &s->awaits, struct await, node)
		await_free(a);
	list_for_each(o, &s->orphans, struct orphan, node) {
		event_free(o->event);
		free(o);
	}
	lock_done(&s->lock);
	free(s);
}

uint64_t sync_generation(const struct sync *s)
{
	return s->generation;
}

bool sync_ready(const struct sync *s)
{
	return __atomic_load_n(&s->ready, __ATOMIC_ACQUIRE);
}

bool sync_healthy(struct sync *s, struct error *e)
{
	lock_guard(&s->lock);
	if (!s->healthy && e)
		*e = s->unhealthy;
	return s->healthy;
}

int64_t sync_last_event_ns(struct sync *s)
{
	return s->pods ? watch_last_event_ns(s->pods) : 0;
}
