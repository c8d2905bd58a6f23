/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/act.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/attr/attr.h"
#include "fs/errors.h"
#include "fs/stream/park.h"
#include "fs/task.h"
#include "fs/tree/node.h"
#include "fs/weaverfs.h"
#include "k8s/loop.h"

/* Cluster thread after its job has run. */
struct action {
	struct act act;
	struct task task;
	struct loop_job job;
	struct weaverfs *fs;
	fuse_req_t req;    /* until it is parked */
	struct park *park; /* NULL: not yet */
	fuse_ino_t ino;
	const struct attr *attr;
	struct caller caller;
	size_t len;
};

/* The request, to be answered; the rest is gone. */
static fuse_req_t action_end(struct action *a)
{
	fuse_req_t req = a->park ? park_take(a->park) : a->req;

	list_remove(&a->act.node);
	task_end(&a->task);
	free(a);
	return req;
}

static void fail(struct action *a, const struct error *e)
{
	char path[160] = "?";
	struct node n;

	if (node_find(a->fs, a->ino, &a->caller, &n) == 0) {
		node_path(&n, path, sizeof(path));
		node_done(&n);
	}
	errors_add(a->fs->errors, a->caller.uid, "write", path, e);
	fuse_reply_err(action_end(a), e->code);
}

static void on_done(struct act *act, const struct error *e)
{
	struct action *a = container_of(act, struct action, act);
	size_t len = a->len;

	if (e)
		fail(a, e);
	else
		fuse_reply_write(action_end(a), len);
}

static void on_interrupted(struct park *p)
{
	fuse_reply_err(action_end(p->data), EINTR);
}

static void on_cancel(struct task *t)
{
	fuse_reply_err(action_end(container_of(t, struct action, task)), EIO);
}

static void on_job(struct loop_job *job)
{
	struct action *a = container_of(job, struct action, job);
	struct error e = ERROR_INIT;

	task_begin(&a->fs->tasks, &a->task, on_cancel);
	a->park = park_new(a->fs->loop, a->req, on_interrupted);
	if (!a->park) {
		error_oom(&e);
		fail(a, &e);
		return;
	}
	a->park->data = a;
	if (a->attr->act(a->fs, &a->act, &e) < 0)
		fail(a, &e);
}

void act_start(struct weaverfs *fs, fuse_req_t req, fuse_ino_t ino, const struct attr *attr,
	       const struct caller *caller, size_t len)
{
	struct action *a = calloc(1, sizeof(*a));

	if (!a) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	list_init(&a->act.node);
	list_init(&a->task.node);
	a->act.done = on_done;
	a->fs = fs;
	a->req = req;
	a->ino = ino;
	a->attr = attr;
	a->caller = *caller;
	a->len = len;
	a->job.run = on_job;
	loop_post(fs->loop, &a->job);
}
