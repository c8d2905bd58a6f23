/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/delete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config.h"
#include "fs/errors.h"
#include "fs/metrics.h"
#include "fs/pod_delete.h"
#include "fs/podspec.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/task.h"
#include "fs/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define GRACE_S 5

struct deletion {
	struct task task;
	struct loop_job job;
	struct weaverfs *fs;
	fuse_req_t req;
	uid_t caller;
	char name[REGISTRY_NAME_MAX], uid[64];
	struct request *request;
	struct sync_write write;
	int64_t deadline_ns;
};

/* r 0: done. */
static void finish(struct deletion *d, int r, const struct error *e)
{
	if (r < 0)
		errors_add(d->fs->errors, d->caller, "rmdir", d->name, e);
	else
		metrics_add(d->fs->metrics, METRIC_DELETED, 1);
	fuse_reply_err(d->req, -r);
	task_end(&d->task);
	free(d);
}

static void on_cancel(struct task *t)
{
	struct deletion *d = container_of(t, struct deletion, task);
	request_cancel(d->request);
	sync_write_end(d->fs->sync, &d->write);
	fuse_reply_err(d->req, EIO);
	free(d);
}

static void on_deleted(void *data, const struct reply *reply)
{
	struct deletion *d = data;
	struct pod *pod = NULL;
	int r = reply->r;
	/*
	 * The reply is the pod as it terminates; of one that had ended or was never scheduled it is
	 * its last state, without a deletionTimestamp: gone already. 404: somebody was faster.
	 */
	bool parsed = r == 0 && pod_parse(reply->body, LOOM_CONTAINER, &pod, NULL) == 0;
	if (parsed && pod->deleted_s) {
		sync_write_reply(d->fs->sync, &d->write, pod);
	} else {
		sync_write_end(d->fs->sync, &d->write);
		if (r == 0 || r == -ENOENT)
			registry_remove(d->fs->registry, d->uid);
	}
	pod_unref(pod);
	finish(d, r == -ENOENT ? 0 : r, &reply->error);
}

static int send_delete(struct deletion *d, const struct pod *pod, struct error *e)
{
	snprintf(d->uid, sizeof(d->uid), "%s", pod->uid);
	struct pod_delete what = {
		.name = pod->name,
		.uid = d->uid,
		.grace_s = GRACE_S,
		.deadline_ns = d->deadline_ns,
		.on_done = on_deleted,
		.data = d,
	};
	d->request = pod_delete_start(d->fs, &what);
	if (!d->request)
		return error_oom(e);
	sync_write_begin(d->fs->sync, &d->write, d->uid);
	task_begin(&d->fs->tasks, &d->task, on_cancel);
	return 0;
}

static void on_job(struct loop_job *job)
{
	struct deletion *d = container_of(job, struct deletion, job);
	struct error e = ERROR_INIT;
	struct registry_view w;
	list_init(&d->task.node);
	int r = registry_lookup(d->fs->registry, d->name, &w);
	if (r < 0) {
		error_set(&e, ENOENT, "no such weaver");
	} else {
		if (weaver_hold(w.pod))
			r = error_set(&e, EBUSY, "hold is 1: echo 0 > hold first");
		else if (client_away(d->fs->client, &e))
			r = -EHOSTUNREACH;
		else
			r = send_delete(d, w.pod, &e);
		registry_view_done(&w);
	}
	if (r < 0)
		finish(d, -e.code, &e);
}

void delete_rmdir(struct weaverfs *fs, fuse_req_t req, const char *name)
{
	struct deletion *d = calloc(1, sizeof(*d));
	if (!d) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	d->fs = fs;
	d->req = req;
	d->caller = fuse_req_ctx(req)->uid;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->deadline_ns = clock_monotonic_ns() + fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
	d->job.run = on_job;
	loop_post(fs->loop, &d->job);
}
