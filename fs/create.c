/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One creation is a small state machine on the cluster thread:
 *
 *	POST sent ──► its end    ─┐
 *	          └─► own ADDED  ─┴─► both, or ADDED and the deadline ──► answered
 *
 * The ADDED may come before the reply (a third of the time on a real server), and counts as much:
 * when the connection broke, the pod is there all the same. A rival is another pod with our name
 * whose ADDED comes before ours; then ours goes. When the watch was interrupted in between, its
 * order means nothing: a fresh LIST by label decides, and any rival there wins. Every failure that
 * is not a definite rejection leaves a tombstone.
 */
#include "fs/create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config.h"
#include "fs/errors.h"
#include "fs/ino.h"
#include "fs/metrics.h"
#include "fs/node.h"
#include "fs/podspec.h"
#include "fs/sync.h"
#include "fs/tombstones.h"
#include "fs/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/pod.h"
#include "k8s/request.h"
#include "k8s/scan.h"

/* The POST ends by its own deadline, and the client learns from that; this is for the ADDED. */
#define AFTER_REQUEST_NS (100 * CLOCK_NS_PER_MS)

struct create {
	struct weaverfs *fs;
	struct list creations; /* cluster thread */
};

struct creation {
	struct list node;
	struct loop_job job;
	struct create *create;
	fuse_req_t req;
	struct caller caller;
	mode_t mode;
	char name[64];
	char pod[80], uid[64];   /* uid: once the pod was seen */
	struct pod *made;        /* from the reply; NULL: none yet, or none */
	struct request *request; /* the POST, later the deciding LIST; NULL: none out */
	struct loop_timer deadline;
	int64_t deadline_ns;
	bool sent;
	bool ended;       /* the POST: it made the pod, or nobody knows */
	struct error why; /* nobody knows */
	bool seen;        /* its own ADDED, no rival before it */
	bool rival;       /* somebody else was first */
	bool order_lost;  /* the watch broke between the POST and ADDED */
};

int create_new(struct weaverfs *fs, struct create **ret, struct error *e)
{
	struct create *c = calloc(1, sizeof(*c));
	if (!c)
		return error_oom(e);
	c->fs = fs;
	list_init(&c->creations);
	*ret = c;
	return 0;
}

/* ---- the end of a creation ---- */

static void creation_free(struct creation *k)
{
	list_remove(&k->node);
	loop_timer_cancel(&k->deadline);
	if (k->request)
		request_cancel(k->request);
	pod_unref(k->made);
	free(k);
}

/* A definite no: nothing was made. */
static void fail(struct creation *k, const struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	if (k->sent)
		tombstones_settle(fs->tombstones, k->pod);
	errors_add(fs->errors, k->caller.uid, "mkdir", k->name, e);
	fuse_reply_err(k->req, e->code);
	creation_free(k);
}

/* Something may have been made, or was and has lost: it is deleted whenever it shows up. */
static void bury(struct creation *k, const struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	tombstones_bury(fs->tombstones, k->pod);
	struct registry_view w;
	if (k->uid[0] && registry_find_uid(fs->registry, k->uid, &w) == 0) {
		tombstones_claims(fs->tombstones, w.pod);
		registry_view_done(&w);
		registry_remove(fs->registry, k->uid);
	} else if (k->made) {
		tombstones_claims(fs->tombstones, k->made); /* the watch may be long in coming */
	}
	errors_add(fs->errors, k->caller.uid, "mkdir", k->name, e);
	fuse_reply_err(k->req, e->code);
	creation_free(k);
}

static void lose(struct creation *k)
{
	struct error e;
	error_set(&e, EEXIST, "another mount created %s at the same time and was first", k->name);
	bury(k, &e);
}

static void succeed(struct creation *k)
{
	struct weaverfs *fs = k->create->fs;
	struct registry_view w;
	struct node n;
	struct error e = ERROR_INIT;
	uint64_t object = 0;
	bool held = false;
	if (registry_find_uid(fs->registry, k->uid, &w) == 0) {
		object = w.object;
		held = w.held;
		registry_view_done(&w);
	}
	if (held) {
		lose(k); /* a rival that the list had no more still has the name here */
		return;
	}
	tombstones_settle(fs->tombstones, k->pod);
	metrics_add(fs->metrics, METRIC_CREATED, 1);
	if (!object || node_find(fs, ino_make(object, INO_ROW_DIR), &k->caller, &n) < 0) {
		error_set(&e, ENOENT, "pod %s was deleted by somebody as soon as it was made",
			  k->pod);
		errors_add(fs->errors, k->caller.uid, "mkdir", k->name, &e);
		fuse_reply_err(k->req, ENOENT);
		creation_free(k);
		return;
	}
	struct fuse_entry_param entry;
	node_entry(&n, &entry);
	node_done(&n);
	fuse_reply_entry(k->req, &entry);
	creation_free(k);
}

void create_free(struct create *c)
{
	if (!c)
		return;
	list_for_each(k, &c->creations, struct creation, node) {
		if (k->sent)
			tombstones_bury(c->fs->tombstones, k->pod);
		fuse_reply_err(k->req, EIO);
		creation_free(k);
	}
	free(c);
}

/* ---- who was first ---- */

static int on_listed_pod(void *data, char *json, size_t len, struct error *e)
{
	struct creation *k = data;
	(void)len;
	struct pod *pod = NULL;
	int r = pod_parse(json, LOOM_CONTAINER, &pod, e);
	if (r < 0)
		return r;
	if (!pod->deleted_s && strcmp(pod->name, k->pod) != 0 &&
	    !tombstones_claims(k->create->fs->tombstones, pod))
		k->rival = true;
	pod_unref(pod);
	return 0;
}

static void on_listed(void *data, const struct reply *reply)
{
	struct creation *k = data;
	k->request = NULL;
	struct error e = reply->error;
	int r = reply->r;
	if (r == 0) {
		struct scan scan;
		scan_init(&scan, SCAN_LIST);
		scan.object = on_listed_pod;
		scan.data = k;
		r = scan_feed(&scan, reply->body, reply->len, &e);
		if (r == 0)
			r = scan_finish(&scan, &e);
		scan_done(&scan);
	}
	if (k->rival)
		lose(k);
	else if (r < 0)
		bury(k, &e);
	else
		succeed(k);
}

static void decide_by_list(struct creation *k)
{
	struct weaverfs *fs = k->create->fs;
	char path[320];
	snprintf(path, sizeof(path),
		 "/api/v1/namespaces/%s/pods?labelSelector=loom.dev%%2Fname%%3D%s",
		 fs->config->namespace_, k->name);
	struct request_spec spec = {
		.method = REQUEST_GET,
		.path = path,
		.deadline_ns = k->deadline_ns,
		.idempotent = true,
		.on_done = on_listed,
		.data = k,
	};
	k->request = request_start(fs->client, &spec);
	if (!k->request) {
		struct error e;
		error_oom(&e);
		bury(k, &e);
	}
}

/* Something has happened; answers when all is known. The creation may be gone afterwards. */
static void advance(struct creation *k)
{
	if (k->rival)
		lose(k);
	else if (k->ended && k->seen && !k->request) {
		if (k->order_lost)
			decide_by_list(k);
		else
			succeed(k);
	}
}

void create_pod_seen(struct create *c, const struct pod *pod)
{
	const char *label = pod_label(pod, LOOM_LABEL_NAME);
	list_for_each(k, &c->creations, struct creation, node) {
		if (!k->sent || !label || strcmp(label, k->name) != 0)
			continue;
		if (strcmp(pod->name, k->pod) == 0) {
			k->seen = true;
			snprintf(k->uid, sizeof(k->uid), "%s", pod->uid);
		} else if (!k->seen && !k->order_lost) {
			k->rival = true;
		}
		advance(k);
	}
}

void create_order_lost(struct create *c)
{
	list_for_each(k, &c->creations, struct creation, node)
		if (k->sent && !k->seen)
			k->order_lost = true;
}

static void on_deadline(struct loop_timer *t)
{
	struct creation *k = container_of(t, struct creation, deadline);
	long long timeout_ms = k->create->fs->config->create_timeout_ms;
	struct error e = k->why;
	if (k->seen && !k->order_lost) {
		succeed(k); /* the pod is there and ours, whatever became of the reply */
		return;
	}
	if (k->made)
		error_set(&e, ETIMEDOUT,
			  "pod %s was made, but the watch has not shown it within %lld ms: it is "
			  "deleted",
			  k->pod, timeout_ms);
	else if (!e.code)
		error_set(&e, ETIMEDOUT,
			  "no answer from the API server within %lld ms; if pod %s appears later, "
			  "it is deleted",
			  timeout_ms, k->pod);
	bury(k, &e);
}

/* ---- the beginning ---- */

/* The server says what is wrong with the pod, not that it is the namespace that decides. */
static void explain_pod_security(const struct weaverfs *fs, struct error *e)
{
	if (e->code != EPERM || !strstr(e->text, "violates PodSecurity"))
		return;
	error_wrap(
		e, -EPERM,
		"the Pod Security level of namespace %s refuses it%s: kubectl label namespace %s "
		"--overwrite pod-security.kubernetes.io/enforce=%s",
		fs->config->namespace_,
		fs->config->audit_enabled ? " (auditing needs more than a weaver itself)" : "",
		fs->config->namespace_, fs->config->audit_enabled ? "privileged" : "baseline");
}

static void on_posted(void *data, const struct reply *reply)
{
	struct creation *k = data;
	/* The name is of our making: if it exists, an earlier copy of this POST made it. */
	bool exists = reply->r == 0 ||
		      (reply->http == 409 && strcmp(reply->status->reason, "AlreadyExists") == 0);
	k->request = NULL;
	if (!exists && !reply->ambiguous) {
		struct error e = reply->error;
		explain_pod_security(k->create->fs, &e);
		fail(k, &e);
		return;
	}
	if (reply->r == 0 && reply->warning)
		errors_warn(k->create->fs->errors, k->caller.uid, "mkdir", k->name, reply->warning);
	k->ended = true;
	if (reply->r == 0)
		pod_parse(reply->body, LOOM_CONTAINER, &k->made, NULL);
	else if (!exists && reply->r != -ETIMEDOUT)
		k->why = reply->error;
	/* When the connection broke, its ADDED may still come. A 5xx is all that will ever come. */
	if (!exists && !k->seen && (reply->r == -ETIMEDOUT || reply->http))
		on_deadline(&k->deadline);
	else
		advance(k);
}

/* EDQUOT while the namespace's pods, terminating ones too, use up max_concurrent. */
static int check_cap(struct creation *k, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	struct registry_counts counts;
	registry_counts(fs->registry, &counts);
	size_t in_flight = 0;
	list_for_each(other, &k->create->creations, struct creation, node)
		in_flight += other->sent && !other->seen;
	size_t max = (size_t)fs->config->max_concurrent;
	if (counts.active + in_flight < max)
		return 0;
	if (counts.terminating)
		return error_set(e, EDQUOT,
				 "max_concurrent is %zu and as many weavers count, %zu of them "
				 "terminating: room in at most 10 s",
				 max, counts.terminating);
	return error_set(e, EDQUOT,
			 "max_concurrent is %zu and as many weavers are pending or running: rmdir "
			 "one, or raise the setting",
			 max);
}

static int check(struct creation *k, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	if (registry_name_taken(fs->registry, k->name))
		return error_set(e, EEXIST, "there is a weaver with this name");
	list_for_each(other, &k->create->creations, struct creation, node)
		if (other != k && strcmp(other->name, k->name) == 0)
			return error_set(e, EEXIST, "a weaver with this name is being created");
	if (client_away(fs->client, e))
		return e->code ? -e->code : -EHOSTUNREACH;
	return check_cap(k, e);
}

static int build(struct creation *k, struct buf *body, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	char number[16];
	const char *owner = config_user_id(fs->config, k->caller.uid, k->caller.gid);
	snprintf(number, sizeof(number), "%u", k->caller.uid);
	struct podspec_identity id = {
		.name = k->name,
		.uid = k->caller.uid,
		.gid = k->caller.gid,
		.mode = k->mode,
		.owner_user_id = owner ? owner : number,
		.now_s = client_server_time(fs->client),
	};
	int r = uuid_v7(id.id, e);
	if (r < 0)
		return r;
	snprintf(k->pod, sizeof(k->pod), LOOM_POD_PREFIX "%s", id.id);
	return podspec_build(fs->defaults, &id, fs->config, body, e);
}

static int post(struct creation *k, const struct buf *body, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	int r = tombstones_intend(fs->tombstones, k->pod, e);
	if (r < 0)
		return r;
	k->sent = true;
	char path[256];
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods?fieldValidation=Strict",
		 fs->config->namespace_);
	struct request_spec spec = {
		.method = REQUEST_POST,
		.path = path,
		.content_type = "application/json",
		.body = body->data,
		.body_len = body->len,
		.deadline_ns = k->deadline_ns,
		.on_done = on_posted,
		.data = k,
	};
	k->request = request_start(fs->client, &spec);
	return k->request ? 0 : error_oom(e);
}

static void on_job(struct loop_job *job)
{
	struct creation *k = container_of(job, struct creation, job);
	struct weaverfs *fs = k->create->fs;
	list_push_back(&k->create->creations, &k->node);
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	struct error e = ERROR_INIT;
	int r = check(k, &e);
	if (r == 0)
		r = build(k, &body, &e);
	if (r == 0)
		r = post(k, &body, &e);
	if (r < 0)
		fail(k, &e);
	else
		loop_timer_set(fs->loop, &k->deadline, k->deadline_ns + AFTER_REQUEST_NS);
}

void create_mkdir(struct create *c, fuse_req_t req, const char *name, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct error e = ERROR_INIT;
	int r = podspec_check_name(name, &e);
	struct creation *k = r < 0 ? NULL : calloc(1, sizeof(*k));
	if (!k) {
		if (r == 0)
			r = error_oom(&e);
		errors_add(c->fs->errors, ctx->uid, "mkdir", name, &e);
		fuse_reply_err(req, -r);
		return;
	}
	list_init(&k->node);
	loop_timer_init(&k->deadline, on_deadline);
	k->create = c;
	k->req = req;
	k->caller = (struct caller){ ctx->uid, ctx->gid, ctx->pid, ctx->umask };
	k->mode = mode & 0750 & ~ctx->umask; /* others only by an explicit chmod */
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->deadline_ns = clock_monotonic_ns() + c->fs->config->create_timeout_ms * CLOCK_NS_PER_MS;
	k->job.run = on_job;
	loop_post(c->fs->loop, &k->job);
}
