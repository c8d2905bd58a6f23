/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a mount in the order of their lives. What belongs to the cluster thread is made and
 * freed on it; the frees answer the requests that still wait, so the session outlives them.
 */
#include "fs/parts.h"

#include <stdlib.h>
#include <unistd.h>

#include "fs/archive/archive.h"
#include "fs/errors.h"
#include "fs/into/enter.h"
#include "fs/into/socket.h"
#include "fs/life/create.h"
#include "fs/life/drafts.h"
#include "fs/life/quota.h"
#include "fs/life/reaper.h"
#include "fs/life/tombstones.h"
#include "fs/logs/audit.h"
#include "fs/logs/fetch.h"
#include "fs/logs/last_line_asker.h"
#include "fs/logs/log_source.h"
#include "fs/logs/logs.h"
#include "fs/logs/relay.h"
#include "fs/metrics.h"
#include "fs/notify.h"
#include "fs/poke/poke.h"
#include "fs/registry.h"
#include "fs/start.h"
#include "fs/stream/stream.h"
#include "fs/sync.h"
#include "fs/task.h"
#include "fs/tree/alias.h"
#include "fs/tree/handles.h"
#include "fs/webhook/webhook.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "k8s/ws.h"

#define USER_AGENT "weaverfs/" WEAVERFS_VERSION
#define WEBHOOKS_LAST_NS (2 * CLOCK_NS_PER_S)

static int make_memory(struct weaverfs *fs, struct error *e)
{
	fs->metrics = calloc(1, sizeof(*fs->metrics));
	if (!fs->metrics)
		return error_oom(e);
	int r = errors_new(&fs->errors, e);
	if (r == 0)
		r = drafts_new(fs, &fs->drafts, e);
	if (r == 0)
		r = handles_new(&fs->handles, e);
	if (r == 0)
		r = alias_new(&fs->aliases, e);
	return r == 0 ? registry_new(&fs->registry, e) : r;
}

static int make_client(struct weaverfs *fs, struct cluster **cluster, struct error *e)
{
	int r = loop_new(&fs->loop, e);

	if (r == 0)
		r = client_new(fs->loop, move_ptr(cluster), USER_AGENT, &fs->client, e);
	if (r == 0)
		r = ws_new(fs->client, &fs->ws, e);
	if (r == 0)
		r = enter_new(fs, &fs->enter, e);
	if (r == 0)
		r = relay_new(fs, &fs->relays, e);
	if (r == 0)
		r = loop_start(fs->loop, "cluster", e);
	if (r < 0)
		return r;
	r = ws_start(fs->ws, "ws", e);
	if (r < 0)
		loop_stop(fs->loop);
	return r;
}

int parts_new(const struct config *config, struct cluster *cluster, struct weaverfs **ret,
	      struct error *e)
{
	_cleanup_(cluster_freep) struct cluster *given = cluster;
	struct weaverfs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return error_oom(e);
	fs->config = config;
	fs->state_dir = fs->mountpoint = "";
	fs->uid = geteuid();
	fs->gid = getegid();
	fs->started_ns = clock_realtime_ns();
	list_init(&fs->tasks);
	int r = make_memory(fs, e);
	if (r == 0)
		r = make_client(fs, &given, e);
	if (r < 0) {
		parts_free(fs);
		return r;
	}
	*ret = fs;
	return 0;
}

/* The watches last: their events go to all the others. */
static int make_parts(void *data, struct error *e)
{
	struct weaverfs *fs = data;
	int r = tombstones_new(fs, &fs->tombstones, e);

	if (r == 0)
		r = create_new(fs, &fs->create, e);
	if (r == 0)
		r = fetch_new(fs, &fs->fetch, e);
	if (r == 0)
		r = logs_new(fs, &log_source_logs, &fs->logs[SPOOL_LOGS], e);
	if (r == 0)
		r = logs_new(fs, &audit_source_sidecar, &fs->logs[SPOOL_AUDIT], e);
	if (r == 0)
		r = audit_new(fs, &fs->audit, e);
	if (r == 0)
		r = stream_new(fs, &fs->streams, e);
	if (r == 0)
		r = webhook_new(fs, &fs->webhook, e);
	if (r == 0)
		r = archive_new(fs, &fs->archive, e);
	if (r == 0)
		r = quota_new(fs, &fs->quota, e);
	if (r == 0)
		r = poke_new(fs, &fs->poke, e);
	if (r == 0)
		r = reaper_new(fs, &fs->reaper, e);
	if (r == 0)
		r = last_line_asker_new(fs, &fs->last_line, e);
	if (r == 0)
		r = sync_new(fs, &fs->sync, e);
	return r == 0 ? sync_start(fs->sync, e) : r;
}

int parts_start(struct weaverfs *fs, struct error *e)
{
	return start_on_loop(fs->loop, make_parts, fs, e);
}

struct serve {
	struct weaverfs *fs;
	struct fuse_session *session;
	struct buf *warning;
};

static int serve(void *data, struct error *e)
{
	struct serve *s = data;

	(void)e;
	s->fs->session = s->session;
	poke_start(s->fs->poke);
	socket_helper_start(s->fs->sockets);
	reaper_start(s->fs->reaper, s->warning);
	notify_watchdog_start(s->fs->loop);
	return 0;
}

int parts_serve(struct weaverfs *fs, struct fuse_session *session, struct buf *warning,
		struct error *e)
{
	struct serve s = { fs, session, warning };

	return start_on_loop(fs->loop, serve, &s, e);
}

#define FREE(free_part, part)                                                                      \
	do {                                                                                       \
		if (part)                                                                          \
			free_part(part);                                                           \
		part = NULL;                                                                       \
	} while (0)

static int stop(void *data, struct error *e)
{
	struct weaverfs *fs = data;

	(void)e;
	notify_watchdog_stop();
	task_cancel_all(&fs->tasks);
	FREE(poke_free, fs->poke); /* first: its helpers wait for answers of the mount */
	socket_helper_stop(fs->sockets);
	ws_detach(fs->ws);
	FREE(fetch_free, fs->fetch);
	FREE(stream_free, fs->streams);
	FREE(archive_free, fs->archive);
	FREE(quota_free, fs->quota);
	FREE(audit_free, fs->audit);
	FREE(logs_free, fs->logs[SPOOL_LOGS]);
	FREE(logs_free, fs->logs[SPOOL_AUDIT]);
	FREE(reaper_free, fs->reaper);
	FREE(last_line_asker_free, fs->last_line);
	FREE(create_free, fs->create);
	FREE(tombstones_free, fs->tombstones);
	FREE(sync_free, fs->sync);
	FREE(webhook_free, fs->webhook);
	FREE(client_free, fs->client);
	return 0;
}

static int webhooks_busy(void *data, struct error *e)
{
	struct weaverfs *fs = data;

	(void)e;
	return (int)webhook_busy(fs->webhook);
}

/* What was done last is told, too, where the receiver answers. */
static void let_webhooks_go(struct weaverfs *fs)
{
	int64_t until = clock_monotonic_ns() + WEBHOOKS_LAST_NS;

	while (start_on_loop(fs->loop, webhooks_busy, fs, NULL) > 0 && clock_monotonic_ns() < until)
		usleep(10000);
}

void parts_stop(struct weaverfs *fs)
{
	relay_close_all(fs->relays);
	enter_close(fs->enter);
	let_webhooks_go(fs);
	start_on_loop(fs->loop, stop, fs, NULL);
	ws_stop(fs->ws);
	loop_stop(fs->loop);
	fs->session = NULL;
}

void parts_free(struct weaverfs *fs)
{
	FREE(client_free, fs->client); /* where the thread could not be started */
	FREE(loop_free, fs->loop);
	FREE(ws_free, fs->ws);
	FREE(relay_free, fs->relays);
	FREE(enter_free, fs->enter);
	FREE(handles_free, fs->handles);
	FREE(alias_free, fs->aliases);
	FREE(registry_free, fs->registry);
	FREE(errors_free, fs->errors);
	FREE(drafts_free, fs->drafts);
	free(fs->metrics);
	free(fs);
}
