/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/weaver_end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/archive/archive.h"
#include "fs/life/pod_delete.h"
#include "fs/life/quota.h"
#include "fs/sync.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/pod.h"
#include "k8s/request.h"

struct weaver_end {
	struct weaverfs *fs;
	struct archive_fetch_wait wait;
	struct request *request; /* NULL: it waits for the log */
	struct sync_write write;
	char name[128], uid[64], resource_version[64], by[64];
	int64_t deadline_ns;
	void (*on_done)(void *data, const struct reply *reply, const struct pod *pod);
	void *data;
};

/*
 * The reply is the pod as it terminates; of one that had ended or was never scheduled it is its
 * last state, without a deletionTimestamp: gone already. 404: somebody was faster.
 */
static void take_in(struct weaver_end *op, const struct reply *reply, const struct pod *pod)
{
	struct weaverfs *fs = op->fs;

	if (pod && pod->deleted_s) {
		sync_write_reply(fs->sync, &op->write, pod);
	} else {
		sync_write_end(fs->sync, &op->write);
		if (reply->r == 0 || reply->r == -ENOENT)
			sync_pod_gone(fs->sync, op->uid);
	}
	if (reply->r < 0)
		return;
	quota_changed(fs->quota);
	archive_deleted_by(fs->archive, op->uid, op->by);
	archive_pod_json(fs->archive, op->uid, reply->body, reply->len);
}

static void on_deleted(void *data, const struct reply *reply)
{
	_cleanup_(cleanup_free) struct weaver_end *op = data;
	struct pod *parsed = NULL;

	if (reply->r < 0 || pod_parse(reply->body, LOOM_CONTAINER, &parsed, NULL) < 0)
		parsed = NULL;
	_cleanup_(pod_unrefp) struct pod *pod = parsed;
	take_in(op, reply, pod);
	op->on_done(op->data, reply, pod);
}

static bool send_delete(struct weaver_end *op)
{
	struct pod_delete d = {
		.name = op->name,
		.uid = op->uid,
		.resource_version = *op->resource_version ? op->resource_version : NULL,
		.grace_s = WEAVER_END_GRACE_S,
		.deadline_ns = op->deadline_ns,
		.on_done = on_deleted,
		.data = op,
	};

	op->request = pod_delete_start(op->fs, &d);
	if (op->request)
		sync_write_begin(op->fs->sync, &op->write, op->uid);
	return op->request;
}

static void log_is_here(struct archive_fetch_wait *w)
{
	struct weaver_end *op = container_of(w, struct weaver_end, wait);
	struct reply none = { .body = "" };

	if (send_delete(op))
		return;
	none.r = error_oom(&none.error);
	op->on_done(op->data, &none, NULL);
	free(op);
}

struct weaver_end *weaver_end_start(struct weaverfs *fs, const struct weaver_end_spec *spec)
{
	_cleanup_(cleanup_free) struct weaver_end *op = calloc(1, sizeof(*op));
	int64_t now_ns = clock_monotonic_ns();

	if (!op)
		return NULL;
	op->fs = fs;
	op->wait.done = log_is_here;
	op->deadline_ns = spec->deadline_ns;
	op->on_done = spec->on_done;
	op->data = spec->data;
	snprintf(op->name, sizeof(op->name), "%s", spec->pod->name);
	snprintf(op->uid, sizeof(op->uid), "%s", spec->pod->uid);
	snprintf(op->by, sizeof(op->by), "%s", spec->by);
	if (spec->resource_version)
		snprintf(op->resource_version, sizeof(op->resource_version), "%s",
			 spec->resource_version);
	bool waits = archive_fetch_wait(fs->archive, spec->pod, &op->wait,
					now_ns + (spec->deadline_ns - now_ns) / 4 * 3);
	return waits || send_delete(op) ? move_ptr(&op) : NULL;
}

void weaver_end_cancel(struct weaver_end *op)
{
	archive_fetch_cancel(&op->wait);
	if (op->request) {
		request_cancel(op->request);
		sync_write_end(op->fs->sync, &op->write);
	}
	free(op);
}
