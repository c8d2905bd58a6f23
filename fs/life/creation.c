/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small state machine on the cluster thread:
 *
 *	POST sent ──► its end ───────────────────┐
 *	          └─► own ADDED ─────────────────┴─► all there, or ADDED and the deadline ──► done
 *	                  └─► POST of the Secret ┘
 *
 * The ADDED may come before the reply (a third of the time on a real server), and counts as much:
 * when the connection broke, the pod is there all the same. The Secret of a
 * weaver with secrets names the pod as its owner, so its POST goes out as soon as the pod's uid is
 * known; the pod waits for it. Every failure that is not a definite rejection of the pod leaves a
 * tombstone: the pod goes whenever it shows up, and its Secret with it.
 */
#include "fs/life/creation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/claim.h"
#include "fs/life/drafts.h"
#include "fs/life/quota.h"
#include "fs/life/tombstones.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/tree/ino.h"
#include "fs/webhook/webhook.h"
#include "k8s/base/clock.h"
#include "k8s/loop.h"
#include "k8s/pod.h"
#include "k8s/request.h"

/* The POST ends by its own deadline, and the client learns from that; this is for the ADDED. */
#define AFTER_REQUEST_NS (100 * CLOCK_NS_PER_MS)

struct creation {
	struct list node;
	struct loop_job job;
	struct create *create;
	struct creation_spec what; /* name: ours; spec: a reference */
	struct claim claim;
	char id[UUID_LEN + 1];
	char pod_uid[64];        /* from the reply or the watch */
	struct pod *made;        /* from the reply; NULL: none yet, or none */
	struct request *request; /* the POST, later the deciding LIST; NULL: none out */
	struct request *secret;  /* the POST of the Secret; NULL: not out */
	struct loop_timer deadline;
	int64_t deadline_ns;
	bool ended;       /* the POST: it made the pod, or nobody knows */
	struct error why; /* nobody knows */
	bool secret_sent, secret_made;
	bool poking; /* poke_own_end() is owed */
};

size_t creation_in_flight(const struct create *c, uid_t uid)
{
	size_t n = 0;

	list_for_each(k, &c->creations, struct creation, node) {
		if (uid == (uid_t)-1 || k->what.uid == uid)
			n += k->claim.sent && !k->claim.seen;
	}
	return n;
}

/* ---- the end ---- */

static void creation_free(struct creation *k)
{
	list_remove(&k->node);
	list_remove(&k->claim.node);
	loop_timer_cancel(&k->deadline);
	if (k->request)
		request_cancel(k->request);
	if (k->secret)
		request_cancel(k->secret);
	pod_unref(k->made);
	podspec_unref(k->what.spec);
	free(k);
}

/* r 0: there is a weaver. The last thing that is done with k. */
static void finish(struct creation *k, int r, const struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	struct creation_spec what = k->what;
	char uid[64];

	memcpy(uid, k->claim.uid, sizeof(uid));
	if (r < 0)
		errors_add(fs->errors, what.caller, what.op, k->claim.name, e);
	record_done(what.caller, what.pid, what.op, k->claim.name, e);
	if (r == 0)
		quota_changed(fs->quota);
	if (k->poking)
		poke_own_end(fs->poke, INO_OBJECT_ROOT, k->claim.name, r == 0);
	creation_free(k);
	what.done(what.data, r, e, r == 0 ? uid : NULL);
}

/* A definite no: nothing was made. */
static void fail(struct creation *k, const struct error *e)
{
	if (k->claim.sent)
		tombstones_settle(k->create->fs->tombstones, k->claim.pod);
	finish(k, -e->code, e);
}

/* Something may have been made, or was and has lost: it is deleted whenever it shows up. */
static void bury(struct creation *k, const struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	struct registry_view w;

	tombstones_bury(fs->tombstones, k->claim.pod);
	if (k->claim.uid[0] && registry_find_uid(fs->registry, k->claim.uid, &w) == 0) {
		tombstones_claims(fs->tombstones, w.pod);
		registry_view_done(&w);
		sync_pod_gone(fs->sync, k->claim.uid);
	} else if (k->made) {
		tombstones_claims(fs->tombstones, k->made); /* the watch may be long in coming */
	}
	finish(k, -e->code, e);
}

static void lose(struct creation *k)
{
	struct error e;

	error_set(&e, EEXIST, "another mount created %s at the same time and was first",
		  k->claim.name);
	bury(k, &e);
}

static void succeed(struct creation *k)
{
	struct weaverfs *fs = k->create->fs;
	struct registry_view w;
	struct error e;
	bool there = false;
	_cleanup_(pod_unrefp) struct pod *pod = NULL;

	if (registry_find_uid(fs->registry, k->claim.uid, &w) == 0) {
		bool held = w.held;
		there = !w.gone;
		pod = pod_ref(w.pod);
		registry_view_done(&w);
		if (held) {
			lose(k); /* a rival that the list had no more still has the name here */
			return;
		}
	}
	tombstones_settle(fs->tombstones, k->claim.pod);
	metrics_add(fs->metrics, METRIC_CREATED, 1);
	if (pod)
		webhook_created(fs->webhook, pod);
	if (there)
		finish(k, 0, NULL);
	else
		finish(k,
		       error_set(&e, ENOENT,
				 "pod %s was deleted by somebody as soon as it was made",
				 k->claim.pod),
		       &e);
}

void creation_cancel_all(struct create *c)
{
	struct error e;

	error_set(&e, EIO, "weaverfs ends");
	list_for_each(k, &c->creations, struct creation, node) {
		if (k->claim.sent)
			tombstones_bury(c->fs->tombstones, k->claim.pod);
		finish(k, -EIO, &e);
	}
}

/* ---- on the way ---- */

static void on_listed(void *data, const struct reply *reply)
{
	struct creation *k = data;
	struct error e = ERROR_INIT;
	int r = claim_listed(k->create->fs, &k->claim, reply, &e);

	k->request = NULL;
	if (k->claim.rival)
		lose(k);
	else if (r < 0)
		bury(k, &e);
	else
		succeed(k);
}

static void decide_by_list(struct creation *k)
{
	struct error e;

	k->request = claim_list(k->create->fs, &k->claim, k->deadline_ns, on_listed, k);
	if (!k->request) {
		error_oom(&e);
		bury(k, &e);
	}
}

static void advance(struct creation *k);

static void on_secret(void *data, const struct reply *reply)
{
	struct creation *k = data;
	struct error e = reply->error;

	k->secret = NULL;
	/* The name is of our making: if it exists, an earlier copy of this POST made it. */
	if (reply->r == 0 ||
	    (reply->http == 409 && strcmp(reply->status->reason, "AlreadyExists") == 0)) {
		k->secret_made = true;
		advance(k);
		return;
	}
	error_wrap(&e, reply->r, "secrets");
	bury(k, &e);
}

/* -ENOMEM. */
static int send_secret(struct creation *k, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	_cleanup_(buf_wipe) struct buf body = BUF_INIT;
	char path[256];
	int r = podspec_secret_build(k->what.spec, k->id, k->pod_uid, &body, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/secrets?fieldValidation=Strict",
		 fs->config->namespace_);
	struct request_spec spec = {
		.method = REQUEST_POST,
		.path = path,
		.content_type = "application/json",
		.body = body.data,
		.body_len = body.len,
		.secret = true,
		.deadline_ns = k->deadline_ns,
		.on_done = on_secret,
		.data = k,
	};
	k->secret_sent = true;
	k->secret = request_start(fs->client, &spec);
	return k->secret ? 0 : error_oom(e);
}

/* Something has happened; done when all is known. The creation may be gone afterwards. */
static void advance(struct creation *k)
{
	struct error e;

	if (!k->pod_uid[0])
		memcpy(k->pod_uid, k->claim.uid, sizeof(k->pod_uid));
	if (k->claim.rival) {
		lose(k);
	} else if (k->pod_uid[0] && k->what.spec->n_secrets && !k->secret_sent) {
		if (send_secret(k, &e) < 0)
			bury(k, &e);
	} else if (k->ended && k->claim.seen && !k->request &&
		   (k->secret_made || k->what.spec->n_secrets == 0)) {
		if (k->claim.order_lost)
			decide_by_list(k);
		else
			succeed(k);
	}
}

static void on_claim(struct claim *c)
{
	advance(container_of(c, struct creation, claim));
}

static void on_deadline(struct loop_timer *t)
{
	struct creation *k = container_of(t, struct creation, deadline);
	long long timeout_ms = k->what.timeout_ms;
	bool whole = k->secret_made || k->what.spec->n_secrets == 0;
	struct error e = k->why;

	if (k->claim.seen && !k->claim.order_lost && whole) {
		succeed(k); /* the pod is there and ours, whatever became of the reply */
		return;
	}
	if (k->made)
		error_set(&e, ETIMEDOUT,
			  "pod %s was made, but the watch has not shown it within %lld ms: it is "
			  "deleted",
			  k->claim.pod, timeout_ms);
	else if (!e.code)
		error_set(&e, ETIMEDOUT,
			  "no answer from the API server within %lld ms; if pod %s appears later, "
			  "it is deleted",
			  timeout_ms, k->claim.pod);
	bury(k, &e);
}

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

/* The POST made the pod, or nobody knows. */
static void note_end(struct creation *k, const struct reply *reply, bool exists)
{
	k->ended = true;
	if (reply->r == 0 && reply->warning)
		errors_warn(k->create->fs->errors, k->what.caller, k->what.op, k->claim.name,
			    reply->warning);
	if (reply->r == 0 && pod_parse(reply->body, LOOM_CONTAINER, &k->made, NULL) == 0)
		snprintf(k->pod_uid, sizeof(k->pod_uid), "%s", k->made->uid);
	else if (!exists && reply->r != -ETIMEDOUT)
		k->why = reply->error;
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
	note_end(k, reply, exists);
	/* When the connection broke, its ADDED may still come. A 5xx is all that will ever come. */
	if (!exists && !k->claim.seen && (reply->r == -ETIMEDOUT || reply->http))
		on_deadline(&k->deadline);
	else
		advance(k);
}

/* ---- the beginning ---- */

static int check(struct creation *k, struct error *e)
{
	struct create *c = k->create;

	if (registry_name_taken(c->fs->registry, k->claim.name))
		return error_set(e, EEXIST, "there is a weaver with this name");
	if (claim_taken(&c->claims, &k->claim, k->claim.name))
		return error_set(e, EEXIST, "a weaver is being given this name");
	if (client_away(c->fs->client, e))
		return e->code ? -e->code : -EHOSTUNREACH;
	return creation_cap_check(c, k->what.uid, e);
}

static int build(struct creation *k, struct buf *body, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	char number[CONFIG_UID_LEN + 1];
	int r = uuid_v7(k->id, e);

	if (r < 0)
		return r;
	struct podspec_identity id = {
		.name = k->claim.name,
		.uid = k->what.uid,
		.gid = k->what.gid,
		.mode = k->what.mode,
		.owner_user_id = config_user_id(fs->config, k->what.uid, k->what.gid, number),
		.now_s = client_server_time(fs->client),
	};
	memcpy(id.id, k->id, sizeof(id.id));
	snprintf(k->claim.pod, sizeof(k->claim.pod), LOOM_POD_PREFIX "%s", k->id);
	if (!k->what.spec)
		k->what.spec = drafts_defaults(fs->drafts);
	return podspec_build(k->what.spec, &id, fs->config, body, e);
}

static int post(struct creation *k, const struct buf *body, struct error *e)
{
	struct weaverfs *fs = k->create->fs;
	char path[256];
	int r = tombstones_intend(fs->tombstones, k->claim.pod, e);

	if (r < 0)
		return r;
	k->claim.sent = true;
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
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	struct error e = ERROR_INIT;

	list_push_back(&k->create->creations, &k->node);
	list_push_back(&k->create->claims, &k->claim.node);
	k->poking = k->what.own_event;
	if (k->poking)
		poke_own_begin(fs->poke, INO_OBJECT_ROOT, k->claim.name);
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

int creation_start(struct create *c, const struct creation_spec *spec, struct error *e)
{
	struct creation *k = calloc(1, sizeof(*k));

	if (!k)
		return error_oom(e);
	list_init(&k->node);
	list_init(&k->claim.node);
	loop_timer_init(&k->deadline, on_deadline);
	k->create = c;
	k->what = *spec;
	if (k->what.spec)
		podspec_ref(k->what.spec);
	snprintf(k->claim.name, sizeof(k->claim.name), "%s", spec->name);
	k->claim.changed = on_claim;
	if (!k->what.timeout_ms)
		k->what.timeout_ms = c->fs->config->create_timeout_ms;
	k->deadline_ns = clock_monotonic_ns() + k->what.timeout_ms * CLOCK_NS_PER_MS;
	k->job.run = on_job;
	loop_post(c->fs->loop, &k->job);
	return 0;
}
