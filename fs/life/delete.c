/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/delete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/weaver_end.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/registry.h"
#include "fs/task.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/request.h"

struct deletion {
	struct task task;
	struct loop_job job;
	struct weaverfs *fs;
	fuse_req_t req;
	struct caller caller;
	char name[REGISTRY_NAME_MAX];
	struct weaver_end *op;
	int64_t deadline_ns;
};

/* r 0: done. */
static void finish(struct deletion *d, int r, const struct error *e)
{
	if (r < 0)
		errors_add(d->fs->errors, d->caller.uid, "rmdir", d->name, e);
	else
		metrics_add(d->fs->metrics, METRIC_DELETED, 1);
	record_done(d->caller.uid, d->caller.pid, "rmdir", d->name, r < 0 ? e : NULL);
	poke_own_end(d->fs->poke, INO_OBJECT_ROOT, d->name, r == 0);
	fuse_reply_err(d->req, -r);
	task_end(&d->task);
	free(d);
}

static void on_cancel(struct task *t)
{
	struct deletion *d = container_of(t, struct deletion, task);
	weaver_end_cancel(d->op);
	poke_own_end(d->fs->poke, INO_OBJECT_ROOT, d->name, false);
	fuse_reply_err(d->req, EIO);
	free(d);
}

static void on_deleted(void *data, const struct reply *reply, const struct pod *pod)
{
	struct deletion *d = data;
	if (pod)
		webhook_deleted(d->fs->webhook, pod);
	finish(d, reply->r == -ENOENT ? 0 : reply->r, &reply->error);
}

static int start(struct deletion *d, const struct pod *pod, struct error *e)
{
	char by[64];
	snprintf(by, sizeof(by), "rmdir %u:%u", d->caller.uid, d->caller.gid);
	struct weaver_end_spec spec = {
		.pod = pod,
		.by = by,
		.deadline_ns = d->deadline_ns,
		.on_done = on_deleted,
		.data = d,
	};
	d->op = weaver_end_start(d->fs, &spec);
	if (!d->op)
		return error_oom(e);
	task_begin(&d->fs->tasks, &d->task, on_cancel);
	return 0;
}

static void on_job(struct loop_job *job)
{
	struct deletion *d = container_of(job, struct deletion, job);
	struct error e = ERROR_INIT;
	struct registry_view w;
	list_init(&d->task.node);
	poke_own_begin(d->fs->poke, INO_OBJECT_ROOT, d->name);
	int r = registry_lookup(d->fs->registry, d->name, &w);
	if (r < 0) {
		error_set(&e, ENOENT, "no such weaver");
	} else {
		if (weaver_hold(w.pod))
			r = error_set(&e, EBUSY, "hold is 1: echo 0 > hold first");
		else if (client_away(d->fs->client, &e))
			r = -EHOSTUNREACH;
		else
			r = start(d, w.pod, &e);
		registry_view_done(&w);
	}
	if (r < 0)
		finish(d, -e.code, &e);
}

void delete_rmdir(struct weaverfs *fs, fuse_req_t req, const char *name)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct deletion *d = calloc(1, sizeof(*d));
	if (!d) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	d->fs = fs;
	d->req = req;
	d->caller = (struct caller){ ctx->uid, ctx->gid, ctx->pid, ctx->umask };
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->deadline_ns = clock_monotonic_ns() + fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
	d->job.run = on_job;
	loop_post(fs->loop, &d->job);
}
