/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A weaver is deleted when it leaves the tree: with its deletionTimestamp, or at once where the pod
 * has none. Who did it nobody says; it counts as expired when its time was over by then, so that
 * all mounts tell the same.
 */
#include "fs/life/change.h"

#include <string.h>

#include "fs/metrics.h"
#include "fs/registry.h"
#include "fs/stream/stream.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook.h"
#include "k8s/request.h"

static bool was_expired(struct weaverfs *fs, const struct pod *pod)
{
	int64_t at_s =
		pod->deleted_s ? pod->deleted_s - pod->grace_s : client_server_time(fs->client);

	return at_s > weaver_expires(pod, fs->config);
}

static enum stream_event event_of(struct weaverfs *fs, const struct pod *pod)
{
	switch (weaver_status(pod)) {
	case WEAVER_RUNNING:
		return STREAM_RUNNING;
	case WEAVER_SUCCEEDED:
		return STREAM_SUCCEEDED;
	case WEAVER_FAILED:
		return STREAM_FAILED;
	case WEAVER_TERMINATING:
		return was_expired(fs, pod) ? STREAM_EXPIRED : STREAM_DELETED;
	case WEAVER_PENDING:
		break;
	}
	return STREAM_CREATED;
}

static void status_changed(struct weaverfs *fs, const struct registry_view *now)
{
	if (weaver_status(now->pod) == WEAVER_FAILED) {
		metrics_add(fs->metrics, METRIC_FAILED, 1);
		webhook_failed(fs->webhook, now->pod, now->events);
	}
	stream_publish(fs->streams, event_of(fs, now->pod), now->name, now->pod);
}

void change_seen(struct weaverfs *fs, const struct registry_view *before, const struct pod *pod)
{
	struct registry_view now;

	if (before && strcmp(before->pod->resource_version, pod->resource_version) == 0)
		return;
	if (registry_find_uid(fs->registry, pod->uid, &now) < 0)
		return; /* there was no memory for it */
	if (!before)
		stream_publish(fs->streams, STREAM_CREATED, now.name, now.pod);
	enum weaver_status was = before ? weaver_status(before->pod) : WEAVER_PENDING;
	enum weaver_status is = weaver_status(pod);
	/* A container that restarts waits in between: nothing has happened to the weaver. */
	if (is != was && is != WEAVER_PENDING)
		status_changed(fs, &now);
	stream_pod_changed(fs->streams, before ? before->pod : NULL, &now);
	registry_view_done(&now);
}

void change_gone(struct weaverfs *fs, const struct registry_view *last)
{
	if (!last->pod->deleted_s)
		stream_publish(fs->streams,
			       was_expired(fs, last->pod) ? STREAM_EXPIRED : STREAM_DELETED,
			       last->name, last->pod);
	stream_wake(fs->streams, last->object);
}

void change_event(struct weaverfs *fs, const char *pod_uid)
{
	struct registry_view w;

	if (registry_find_uid(fs->registry, pod_uid, &w) < 0)
		return;
	stream_wake(fs->streams, w.object);
	registry_view_done(&w);
}
