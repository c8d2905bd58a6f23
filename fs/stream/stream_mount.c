/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event leaves the ring for the next one; a reader whose place was there moves on and counts it,
 * if he would have seen it. His groups are looked up when he opens the file: later his process may
 * be another one.
 *
 * "expiring" is said when the time 10 minutes before the expiry passes: since the last look
 * (`looked_s`) by the timer, or because somebody has moved the expiry across it.
 */
#include "fs/stream/stream_mount.h"

#include <stdlib.h>
#include <string.h>

#include "fs/attr/viewer.h"
#include "fs/registry.h"
#include "fs/stream/stream_private.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define RING 1024
#define CHUNK 4096 /* bytes that a reader holds before he has read some */
#define EXPIRING_S (10 * 60)
#define LOOK_MAX_S 60 /* what the server's clock does against ours is known anew with each reply */

struct record {
	char *line; /* owned, with its newline */
	struct weaver_owner owner;
};

struct stream_mount {
	struct weaverfs *fs;
	struct list readers;
	struct record ring[RING];
	uint64_t first, next; /* numbers of events; number % RING is the place */
	struct loop_timer timer;
	int64_t looked_s, due_s; /* server's clock */
};

struct reader {
	struct list node;
	struct viewer viewer;
	uint64_t next;
	uint64_t lost; /* events that he would have seen, not yet told */
};

static const char *const words[] = {
	[STREAM_CREATED] = "created",     [STREAM_RUNNING] = "running",
	[STREAM_SUCCEEDED] = "succeeded", [STREAM_FAILED] = "failed",
	[STREAM_EXPIRING] = "expiring",   [STREAM_DELETED] = "deleted",
	[STREAM_EXPIRED] = "expired",
};

/* ---- events ---- */

static void add_member(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, ",\"%s\":", key);
	buf_add_json(out, value, strlen(value));
}

static void add_line(const struct weaverfs *fs, enum stream_event event, const char *name,
		     const struct pod *pod, const struct weaver_owner *owner, struct buf *out)
{
	_cleanup_(buf_done) struct buf reason = BUF_INIT;
	int64_t now_s = client_server_time(fs->client);
	char time[RFC3339_SECONDS_LEN + 1], uid_gid[32];

	rfc3339_format(now_s, time);
	snprintf(uid_gid, sizeof(uid_gid), "%u:%u", owner->uid, owner->gid);
	buf_printf(out, "{\"event\":\"weaver.%s\",\"time\":\"%s\"", words[event], time);
	add_member(out, "name", name);
	add_member(out, "id", weaver_id(pod));
	add_member(out, "pod", pod->name);
	add_member(out, "status", weaver_status_word(weaver_status(pod)));
	add_member(out, "owner", uid_gid);
	struct reason_input in = { .pod = pod, .config = fs->config };
	weaver_reason(&in, &reason);
	if (reason.len > 0) {
		reason.data[strcspn(reason.data, "\n")] = '\0';
		add_member(out, "reason", reason.data);
	}
	buf_add_str(out, "}\n");
}

static void forget_first(struct stream_mount *m)
{
	struct record *record = &m->ring[m->first % RING];

	list_for_each(r, &m->readers, struct reader, node) {
		if (r->next != m->first)
			continue;
		r->lost += viewer_may_see(&r->viewer, &record->owner);
		r->next++;
	}
	free(record->line);
	record->line = NULL;
	m->first++;
}

bool stream_mount_publish(struct stream_mount *m, enum stream_event event, const char *name,
			  const struct pod *pod)
{
	struct weaver_owner owner = weaver_owner(pod, m->fs->uid, m->fs->gid);
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	if (list_empty(&m->readers))
		return false;
	add_line(m->fs, event, name, pod, &owner, &line);
	if (m->next - m->first == RING)
		forget_first(m);
	/* Without memory the line is missing, and its readers are told. */
	m->ring[m->next++ % RING] = (struct record){
		.line = buf_error(&line) < 0 ? NULL : buf_steal(&line),
		.owner = owner,
	};
	return true;
}

static void add_lost(struct reader *r, struct buf *out)
{
	if (r->lost)
		buf_printf(out, "{\"event\":\"lost\",\"count\":%llu}\n",
			   (unsigned long long)r->lost);
	r->lost = 0;
}

int stream_mount_fill(const struct stream_source *source, void *state, struct buf *out,
		      enum stream_more *ret_more, struct error *e)
{
	struct stream_mount *m = source->fs->streams->mount;
	struct reader *r = *(struct reader **)state;

	(void)ret_more;
	(void)e;
	if (out->len < CHUNK)
		add_lost(r, out);
	for (; r->next < m->next && out->len < CHUNK; r->next++) {
		const struct record *record = &m->ring[r->next % RING];

		if (!viewer_may_see(&r->viewer, &record->owner))
			continue;
		r->lost += !record->line;
		add_lost(r, out);
		buf_add_str(out, record->line);
	}
	return 0;
}

/* ---- 10 minutes before ---- */

static int64_t expiring_s(const struct stream_mount *m, const struct pod *pod)
{
	return weaver_expires(pod, m->fs->config) - EXPIRING_S;
}

static void arm(struct stream_mount *m)
{
	int64_t wait_s = m->due_s - client_server_time(m->fs->client);

	if (wait_s > LOOK_MAX_S)
		wait_s = LOOK_MAX_S;
	if (wait_s < 0)
		wait_s = 0;
	loop_timer_set(m->fs->loop, &m->timer, clock_monotonic_ns() + wait_s * CLOCK_NS_PER_S);
}

static void look(struct stream_mount *m)
{
	int64_t since_s = m->looked_s;
	struct registry_entry *entries = NULL;
	size_t n = 0;

	m->due_s = INT64_MAX;
	m->looked_s = client_server_time(m->fs->client);
	registry_list_take(m->fs->registry, false, &entries, &n);
	for (size_t i = 0; i < n; i++) {
		int64_t at_s = expiring_s(m, entries[i].pod);

		if (at_s > m->looked_s && at_s < m->due_s)
			m->due_s = at_s;
		if (at_s > since_s && at_s <= m->looked_s)
			stream_publish(m->fs->streams, STREAM_EXPIRING, entries[i].name,
				       entries[i].pod);
	}
	registry_list_free(entries, n);
	arm(m);
}

static void timer_fire(struct loop_timer *t)
{
	struct stream_mount *m = container_of(t, struct stream_mount, timer);

	if (client_server_time(m->fs->client) >= m->due_s)
		look(m);
	else
		arm(m);
}

void stream_mount_pod_changed(struct stream_mount *m, const struct pod *before,
			      const struct registry_view *now)
{
	if (list_empty(&m->readers) || now->pod->deleted_s)
		return;
	int64_t at_s = expiring_s(m, now->pod);
	if (at_s <= m->looked_s && (!before || expiring_s(m, before) > m->looked_s)) {
		stream_publish(m->fs->streams, STREAM_EXPIRING, now->name, now->pod);
	} else if (at_s > m->looked_s && at_s < m->due_s) {
		m->due_s = at_s;
		arm(m);
	}
}

/* ---- readers ---- */

int stream_mount_open(const struct stream_source *source, void *state, struct error *e)
{
	struct stream_mount *m = source->fs->streams->mount;
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error_oom(e);
	viewer_init(&r->viewer, &source->caller);
	viewer_read_groups(&r->viewer);
	r->next = m->next;
	bool first = list_empty(&m->readers);
	list_push_back(&m->readers, &r->node);
	if (first) {
		m->looked_s = client_server_time(m->fs->client);
		look(m);
	}
	*(struct reader **)state = r;
	return 0;
}

void stream_mount_close(const struct stream_source *source, void *state)
{
	struct stream_mount *m = source->fs->streams->mount;
	struct reader *r = *(struct reader **)state;

	list_remove(&r->node);
	viewer_done(&r->viewer);
	free(r);
	if (!list_empty(&m->readers))
		return;
	loop_timer_cancel(&m->timer);
	while (m->first < m->next)
		forget_first(m);
}

int stream_mount_new(struct weaverfs *fs, struct stream_mount **ret, struct error *e)
{
	struct stream_mount *m = calloc(1, sizeof(*m));

	if (!m)
		return error_oom(e);
	m->fs = fs;
	list_init(&m->readers);
	loop_timer_init(&m->timer, timer_fire);
	*ret = m;
	return 0;
}

void stream_mount_free(struct stream_mount *m)
{
	loop_timer_cancel(&m->timer);
	free(m);
}
