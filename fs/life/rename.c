/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claim on the new name is decided by the watch (claim.h), so the PATCH's reply is not taken in
 * as that of other writes is: it would come before events that are older. The mv has succeeded when
 * the reply and the pod's MODIFIED in the watch, with the new label, are there. One that has lost
 * gives the pod its old label again before it answers.
 */
#include "fs/life/rename.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/claim.h"
#include "fs/life/creation.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/task.h"
#include "fs/tree/ino.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/pod.h"
#include "k8s/request.h"

#define RETRY_NS (20 * CLOCK_NS_PER_MS)
#define AFTER_REQUEST_NS (100 * CLOCK_NS_PER_MS)

struct renaming {
	struct task task;
	struct loop_job job;
	struct weaverfs *fs;
	fuse_req_t req;
	uid_t caller;
	pid_t pid;
	char from[REGISTRY_NAME_MAX];
	char uid[64];
	char *old_label; /* owned; NULL: it had none */
	struct claim claim;
	struct request *request; /* PATCH or LIST; NULL: none out */
	struct loop_timer retry, deadline;
	int64_t deadline_ns;
	bool patched; /* 200, or nobody knows */
	bool undoing; /* the name was lost */
	struct sync_write write;
	bool writing;
};

/* ---- the end ---- */

static void renaming_free(struct renaming *n)
{
	task_end(&n->task);
	list_remove(&n->claim.node);
	loop_timer_cancel(&n->retry);
	loop_timer_cancel(&n->deadline);
	if (n->request)
		request_cancel(n->request);
	if (n->writing)
		sync_write_end(n->fs->sync, &n->write);
	free(n->old_label);
	free(n);
}

/* r 0: renamed. EINVAL makes mv speak of subdirectories. */
static void finish(struct renaming *n, int r, const struct error *e)
{
	struct weaverfs *fs = n->fs;
	fuse_req_t req = n->req;

	if (r < 0)
		errors_add(fs->errors, n->caller, "mv", n->from, e);
	record_renamed(n->caller, n->pid, n->from, n->claim.name, e);
	poke_own_end(fs->poke, INO_OBJECT_ROOT, n->from, r == 0);
	poke_own_end(fs->poke, INO_OBJECT_ROOT, n->claim.name, r == 0);
	renaming_free(n);
	fuse_reply_err(req, r == -EINVAL ? EPROTO : -r);
}

static void on_cancel(struct task *t)
{
	struct renaming *n = container_of(t, struct renaming, task);
	struct error e;

	finish(n, error_set(&e, EIO, "weaverfs ends"), &e);
}

/* ---- the patches ---- */

/* {"metadata":{"uid":…,"resourceVersion":…,"labels":{"loom.dev/name":label}}}; label NULL: none. */
static void patch_body(const struct pod *pod, const char *label, struct buf *out)
{
	buf_add_str(out, "{\"metadata\":{\"uid\":");
	buf_add_json(out, pod->uid, strlen(pod->uid));
	buf_add_str(out, ",\"resourceVersion\":");
	buf_add_json(out, pod->resource_version, strlen(pod->resource_version));
	buf_add_str(out, ",\"labels\":{\"" LOOM_LABEL_NAME "\":");
	if (label)
		buf_add_json(out, label, strlen(label));
	else
		buf_add_str(out, "null");
	buf_add_str(out, "}}}");
}

static int send_patch(struct renaming *n, const char *label,
		      void (*on_done)(void *data, const struct reply *reply), struct error *e)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	struct registry_view w;
	char path[256];

	if (registry_find_uid(n->fs->registry, n->uid, &w) < 0)
		return error_set(e, ENOENT, "the weaver is gone");
	patch_body(w.pod, label, &body);
	bool gone = w.gone;
	registry_view_done(&w);
	if (gone)
		return error_set(e, ENOENT, "the weaver is gone");
	if (buf_error(&body) < 0)
		return error_oom(e);
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods/%s", n->fs->config->namespace_,
		 n->claim.pod);
	struct request_spec spec = {
		.method = REQUEST_PATCH,
		.path = path,
		.content_type = "application/merge-patch+json",
		.body = body.data,
		.body_len = body.len,
		.deadline_ns = n->deadline_ns,
		.idempotent = true,
		.on_done = on_done,
		.data = n,
	};
	n->request = request_start(n->fs->client, &spec);
	return n->request ? 0 : error_oom(e);
}

/* ---- a name that was lost ---- */

static void say_lost(struct renaming *n)
{
	struct error e;

	error_set(&e, EEXIST,
		  "another mount gave this name to a weaver at the same time and was "
		  "first");
	finish(n, -EEXIST, &e);
}

static void on_undone(void *data, const struct reply *reply)
{
	struct renaming *n = data;
	struct pod *pod = NULL;

	n->request = NULL;
	if (reply->r < 0 && reply->http == 409 &&
	    clock_monotonic_ns() + RETRY_NS < n->deadline_ns) {
		loop_timer_set(n->fs->loop, &n->retry, clock_monotonic_ns() + RETRY_NS);
		return;
	}
	if (reply->r == 0 && pod_parse(reply->body, LOOM_CONTAINER, &pod, NULL) == 0) {
		n->writing = false;
		sync_write_reply(n->fs->sync, &n->write, pod);
		pod_unref(pod);
	}
	/* Where that has failed too, it shows as name~<id8>: two never have one name. */
	say_lost(n);
}

/* From here on the old label is what is wanted; a new deadline, for mv is still waiting. */
static void undo(struct renaming *n)
{
	if (!n->undoing) {
		n->undoing = true;
		list_remove(&n->claim.node);
		loop_timer_cancel(&n->deadline);
		n->deadline_ns =
			clock_monotonic_ns() + n->fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
		sync_write_begin(n->fs->sync, &n->write, n->uid);
		n->writing = true;
	}
	if (send_patch(n, n->old_label, on_undone, NULL) < 0)
		say_lost(n);
}

/* ---- on the way ---- */

static void on_listed(void *data, const struct reply *reply)
{
	struct renaming *n = data;
	struct error e = ERROR_INIT;
	int r = claim_listed(n->fs, &n->claim, reply, &e);

	n->request = NULL;
	if (n->claim.rival || r < 0)
		undo(n);
	else
		finish(n, 0, NULL);
}

/* Something has happened; the renaming may be gone afterwards. */
static void advance(struct renaming *n)
{
	struct error e;

	if (n->undoing || n->request)
		return;
	if (n->claim.rival && !n->patched) {
		say_lost(n); /* between two tries: nothing was changed yet */
	} else if (n->claim.rival) {
		undo(n);
	} else if (n->patched && n->claim.seen && n->claim.order_lost) {
		n->request = claim_list(n->fs, &n->claim, n->deadline_ns, on_listed, n);
		if (!n->request)
			finish(n, error_oom(&e), &e);
	} else if (n->patched && n->claim.seen) {
		finish(n, 0, NULL);
	}
}

static void on_claim(struct claim *c)
{
	advance(container_of(c, struct renaming, claim));
}

static void on_deadline(struct loop_timer *t)
{
	struct renaming *n = container_of(t, struct renaming, deadline);
	struct error e;

	if (n->claim.seen && !n->claim.order_lost)
		finish(n, 0, NULL);
	else
		finish(n,
		       error_set(&e, ETIMEDOUT,
				 "no answer from the API server within %lld ms; the weaver may "
				 "get the name %s later",
				 (long long)n->fs->config->create_timeout_ms, n->claim.name),
		       &e);
}

static void on_patched(void *data, const struct reply *reply)
{
	struct renaming *n = data;

	n->request = NULL;
	n->patched = reply->r == 0;
	if (n->patched) {
		advance(n);
	} else if (n->claim.rival && !reply->ambiguous) {
		say_lost(n);
	} else if (reply->http == 409 && clock_monotonic_ns() + RETRY_NS < n->deadline_ns) {
		/* Somebody was faster; the watch brings what he made of it. */
		loop_timer_set(n->fs->loop, &n->retry, clock_monotonic_ns() + RETRY_NS);
	} else if (!reply->ambiguous) {
		finish(n, reply->r, &reply->error);
	} else if (reply->r == -ETIMEDOUT) {
		on_deadline(&n->deadline);
	} else {
		n->patched = true; /* the connection broke: the watch tells, until the deadline */
		advance(n);
	}
}

static void on_retry(struct loop_timer *t)
{
	struct renaming *n = container_of(t, struct renaming, retry);
	struct error e;

	if (n->undoing) {
		undo(n);
		return;
	}
	int r = send_patch(n, n->claim.name, on_patched, &e);
	if (r < 0)
		finish(n, r, &e);
}

/* ---- the beginning ---- */

static int note_pod(struct renaming *n, const struct pod *pod, struct error *e)
{
	const char *label = pod_label(pod, LOOM_LABEL_NAME);

	snprintf(n->uid, sizeof(n->uid), "%s", pod->uid);
	snprintf(n->claim.pod, sizeof(n->claim.pod), "%s", pod->name);
	if (label && strcmp(label, n->claim.name) == 0)
		return error_set(e, EBUSY,
				 "it has this name already, and had to be shown under another one "
				 "because it was taken; the next mount shows it");
	n->old_label = label ? strdup(label) : NULL;
	return label && !n->old_label ? error_oom(e) : 0;
}

static int begin(struct renaming *n, struct error *e)
{
	struct weaverfs *fs = n->fs;
	struct registry_view w;

	if (registry_lookup(fs->registry, n->from, &w) < 0)
		return error_set(e, ENOENT, "no such weaver");
	int r = note_pod(n, w.pod, e);
	registry_view_done(&w);
	if (r < 0)
		return r;
	if (registry_name_taken(fs->registry, n->claim.name))
		return error_set(e, EEXIST, "there is a weaver with the name %s", n->claim.name);
	if (claim_taken(&fs->create->claims, &n->claim, n->claim.name))
		return error_set(e, EEXIST, "another weaver is being given the name %s",
				 n->claim.name);
	if (client_away(fs->client, e))
		return e->code ? -e->code : -EHOSTUNREACH;
	return send_patch(n, n->claim.name, on_patched, e);
}

static void on_job(struct loop_job *job)
{
	struct renaming *n = container_of(job, struct renaming, job);
	struct weaverfs *fs = n->fs;
	struct error e = ERROR_INIT;

	task_begin(&fs->tasks, &n->task, on_cancel);
	list_push_back(&fs->create->claims, &n->claim.node);
	poke_own_begin(fs->poke, INO_OBJECT_ROOT, n->from);
	poke_own_begin(fs->poke, INO_OBJECT_ROOT, n->claim.name);
	int r = begin(n, &e);
	if (r < 0) {
		finish(n, r, &e);
		return;
	}
	n->claim.sent = true;
	loop_timer_set(fs->loop, &n->deadline, n->deadline_ns + AFTER_REQUEST_NS);
}

void rename_weaver(struct weaverfs *fs, fuse_req_t req, const char *from, const char *to)
{
	uid_t caller = fuse_req_ctx(req)->uid;
	struct error e = ERROR_INIT;
	int r = podspec_check_name(to, &e);
	struct renaming *n = r == 0 ? calloc(1, sizeof(*n)) : NULL;

	if (!n) {
		if (r == 0)
			r = error_oom(&e);
		errors_add(fs->errors, caller, "mv", from, &e);
		fuse_reply_err(req, r == -EINVAL ? EPROTO : -r);
		return;
	}
	list_init(&n->task.node);
	list_init(&n->claim.node);
	loop_timer_init(&n->retry, on_retry);
	loop_timer_init(&n->deadline, on_deadline);
	n->fs = fs;
	n->req = req;
	n->caller = caller;
	n->pid = fuse_req_ctx(req)->pid;
	snprintf(n->from, sizeof(n->from), "%s", from);
	snprintf(n->claim.name, sizeof(n->claim.name), "%s", to);
	n->claim.changed = on_claim;
	n->deadline_ns = clock_monotonic_ns() + fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
	n->job.run = on_job;
	loop_post(fs->loop, &n->job);
}
