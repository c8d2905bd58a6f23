/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /version, then GET the namespace: a LIST of a missing namespace is 200 and empty, so only
 * this tells, and its uid names the state directory. What looks like a server that is away is asked
 * again each 500 ms until the time is over.
 */
#include "fs/start.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/signals.h"
#include "fs/sync.h"
#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define RETRY_NS (500 * CLOCK_NS_PER_MS)
#define ANSWER_MIN_NS (2 * CLOCK_NS_PER_S)
#define ANSWER_MAX_NS (5 * CLOCK_NS_PER_S)
#define SAY_AFTER_MS 3000
#define LIST_POLL_MS 5
#define MINOR_MIN 30

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* ---- a job that is waited for ---- */

struct errand {
	struct loop_job job;
	int (*run)(void *data, struct error *e);
	void *data;
	struct error *e;
	int r;
	sem_t done;
};

static void errand_run(struct loop_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	errand->r = errand->run(errand->data, errand->e);
	sem_post(&errand->done);
}

int start_on_loop(struct loop *loop, int (*run)(void *data, struct error *e), void *data,
		  struct error *e)
{
	struct errand errand = { .job.run = errand_run, .run = run, .data = data, .e = e };

	list_init(&errand.job.node);
	sem_init(&errand.done, 0, 0);
	loop_post(loop, &errand.job);
	while (sem_wait(&errand.done) < 0)
		;
	sem_destroy(&errand.done);
	return errand.r;
}

/* ---- the questions; cluster thread, but for start_ask() itself ---- */

struct ask {
	const struct start_question *q;
	struct start_facts *facts;
	struct request *request; /* NULL: none in flight */
	struct loop_timer retry;
	int64_t deadline_ns;
	void (*question)(struct ask *a); /* the one that is open */
	int fd; /* eventfd: tells the main thread that r and error are there */
	int r;
	struct error error;
};

static void finish(struct ask *a, int r)
{
	uint64_t one = 1;

	a->r = r;
	while (write(a->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void retry_fire(struct loop_timer *t)
{
	struct ask *a = container_of(t, struct ask, retry);

	a->question(a);
}

static const char *server_of(const struct ask *a)
{
	return cluster_server(client_cluster(a->q->client));
}

/* Whether a failed call is to be tried again; else the error is final and told. */
static bool again(struct ask *a, const struct reply *reply)
{
	bool away = reply->r == -EHOSTUNREACH || reply->r == -ETIMEDOUT || reply->r == -EIO ||
		    reply->r == -EBUSY;

	if (away && clock_monotonic_ns() + RETRY_NS < a->deadline_ns) {
		loop_timer_set(client_loop(a->q->client), &a->retry,
			       clock_monotonic_ns() + RETRY_NS);
		return true;
	}
	a->error = reply->error;
	if (away)
		error_wrap(&a->error, reply->r,
			   "the API server %s is away, for longer than start_timeout: giving up",
			   server_of(a));
	return false;
}

static void send_question(struct ask *a, const char *path, const char *body,
			  void (*done)(void *data, const struct reply *reply))
{
	int64_t now_ns = clock_monotonic_ns(), left_ns = a->deadline_ns - now_ns;
	int64_t answer_ns = left_ns < ANSWER_MIN_NS   ? ANSWER_MIN_NS
			    : left_ns > ANSWER_MAX_NS ? ANSWER_MAX_NS
						      : left_ns;
	struct request_spec spec = {
		.method = body ? REQUEST_POST : REQUEST_GET,
		.path = path,
		.content_type = body ? "application/json" : NULL,
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.deadline_ns = now_ns + answer_ns,
		.idempotent = !body,
		.on_done = done,
		.data = a,
	};

	a->request = request_start(a->q->client, &spec);
	if (!a->request)
		finish(a, error_oom(&a->error));
}

static void ask_namespace(struct ask *a);

static void namespace_made(void *data, const struct reply *reply)
{
	struct ask *a = data;

	a->request = NULL;
	if (reply->r == 0 || reply->r == -EEXIST) {
		ask_namespace(a);
	} else if (!again(a, reply)) {
		finish(a, error_wrap(&a->error, reply->r, "namespace %s cannot be made",
				     a->q->namespace_));
	}
}

static void make_namespace(struct ask *a)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT;

	buf_printf(&body,
		   "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
		   a->q->namespace_);
	a->question = make_namespace;
	send_question(a, "/api/v1/namespaces", buf_str(&body), namespace_made);
}

static int refuse_namespace(struct ask *a, const struct reply *reply)
{
	const char *ns = a->q->namespace_;
	_cleanup_(buf_done) struct buf why = BUF_INIT;

	if (reply->http == 403 && strstr(reply->error.text, "\"system:anonymous\"")) {
		cluster_explain_unauthorized(client_cluster(a->q->client), &why);
		return error_set(&a->error, EACCES, "%s; the server says: %s", buf_str(&why),
				 reply->error.text);
	}
	if (reply->http == 404)
		return error_set(
			&a->error, ENOENT,
			"namespace %s does not exist on %s; make it: kubectl create namespace %s "
			"(on NixOS a unit after k3s makes it: services.loom-k3s.enable)",
			ns, server_of(a), ns);
	if (reply->http == 403)
		return error_set(
			&a->error, EACCES,
			"namespace %s cannot be read: the verb get on namespaces is missing in "
			"the Role of this account; the server says: %s",
			ns, reply->error.text);
	a->error = reply->error;
	return error_wrap(&a->error, reply->r, "namespace %s", ns);
}

static int take_namespace(struct ask *a, const struct reply *reply)
{
	_cleanup_(cleanup_json) cJSON *json = cJSON_ParseWithLength(reply->body, reply->len);
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(json, "metadata");
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(json, "status");
	const char *uid = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "uid"));
	const char *phase = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "phase"));

	if (!uid || strlen(uid) >= sizeof(a->facts->namespace_uid))
		return error_set(&a->error, EPROTO, "%s: its answer for namespace %s has no uid",
				 server_of(a), a->q->namespace_);
	if (phase && strcmp(phase, "Terminating") == 0)
		return error_set(&a->error, EROFS,
				 "namespace %s is terminating: wait until it is gone, then make it "
				 "again: kubectl create namespace %s",
				 a->q->namespace_, a->q->namespace_);
	strcpy(a->facts->namespace_uid, uid);
	return 0;
}

static void namespace_done(void *data, const struct reply *reply)
{
	struct ask *a = data;

	a->request = NULL;
	if (reply->r == 0) {
		finish(a, take_namespace(a, reply));
	} else if (reply->http == 404 && a->q->make_namespace) {
		make_namespace(a);
	} else if (reply->http == 404 || reply->http == 403) {
		finish(a, refuse_namespace(a, reply));
	} else if (!again(a, reply)) {
		finish(a, reply->http ? refuse_namespace(a, reply) : reply->r);
	}
}

static void ask_namespace(struct ask *a)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "/api/v1/namespaces/%s", a->q->namespace_);
	a->question = ask_namespace;
	send_question(a, buf_str(&path), NULL, namespace_done);
}

/* "v1.34.4+k3s1"; a text that says nothing we know is let through. */
static int take_version(struct ask *a, const struct reply *reply)
{
	_cleanup_(cleanup_json) cJSON *json = cJSON_ParseWithLength(reply->body, reply->len);
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "gitVersion"));
	unsigned major, minor;

	if (!text)
		return error_set(&a->error, EPROTO,
				 "%s is no Kubernetes API server: its /version has "
				 "no gitVersion",
				 server_of(a));
	a->facts->simulated = strstr(text, "kubesim") != NULL;
	if (sscanf(text, "v%u.%u", &major, &minor) == 2 &&
	    (major < 1 || (major == 1 && minor < MINOR_MIN)))
		return error_set(&a->error, EINVAL,
				 "%s is Kubernetes %.64s; weaverfs needs 1.%d or later (native "
				 "sidecars, ValidatingAdmissionPolicy): upgrade the cluster, or "
				 "name another one's kubeconfig",
				 server_of(a), text, MINOR_MIN);
	return 0;
}

static void version_done(void *data, const struct reply *reply)
{
	struct ask *a = data;

	a->request = NULL;
	if (reply->r == 0) {
		int r = take_version(a, reply);
		if (r < 0)
			finish(a, r);
		else
			ask_namespace(a);
	} else if (reply->http == 403) {
		ask_namespace(a); /* hidden from this account: it says nothing about its age */
	} else if (!again(a, reply)) {
		finish(a, reply->r);
	}
}

static void ask_version(struct ask *a)
{
	a->question = ask_version;
	send_question(a, "/version", NULL, version_done);
}

static int ask_begin(void *data, struct error *e)
{
	struct ask *a = data;

	(void)e;
	loop_timer_init(&a->retry, retry_fire);
	ask_version(a);
	return 0;
}

static int ask_end(void *data, struct error *e)
{
	struct ask *a = data;

	(void)e;
	loop_timer_cancel(&a->retry);
	if (a->request)
		request_cancel(a->request);
	return 0;
}

static int stopped(struct error *e)
{
	return error_set(e, EINTR, "stopped by a signal before the mount");
}

/* For 3 s in silence, then it is said once what is waited for. */
static bool wait_answer(struct ask *a)
{
	struct pollfd poller = { .fd = a->fd, .events = POLLIN };
	bool said = false;

	while (!signals_stopping() && poller.revents == 0) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;
		struct error why = ERROR_INIT;

		if (poll(&poller, 1, said ? -1 : SAY_AFTER_MS) != 0)
			continue;
		client_away(a->q->client, &why);
		buf_printf(&text, "waiting for the API server %s%s%s", server_of(a),
			   why.text[0] ? ": " : "", why.text);
		a->q->say(buf_str(&text));
		said = true;
	}
	return poller.revents & POLLIN;
}

int start_ask(const struct start_question *q, struct start_facts *ret, struct error *e)
{
	_cleanup_(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);
	struct loop *loop = client_loop(q->client);
	struct ask a = { .q = q, .facts = ret, .fd = fd };

	if (fd < 0)
		return error_set(e, errno, "eventfd: %s", strerror(errno));
	a.deadline_ns = clock_monotonic_ns() + q->timeout_ns;
	start_on_loop(loop, ask_begin, &a, NULL);
	bool answered = wait_answer(&a);
	start_on_loop(loop, ask_end, &a, NULL);
	if (!answered)
		return stopped(e);
	if (a.r < 0 && e)
		*e = a.error;
	return a.r;
}

int start_wait_list(struct sync *sync, int64_t timeout_ns, struct error *e)
{
	int64_t deadline_ns = clock_monotonic_ns() + timeout_ns;

	for (;;) {
		struct error why = ERROR_INIT;

		if (signals_stopping())
			return stopped(e);
		if (sync_ready(sync))
			return 0;
		bool late = clock_monotonic_ns() >= deadline_ns;
		bool healthy = sync_healthy(sync, &why);
		if (!healthy && why.code == EACCES)
			return error_set(e, EACCES, "the weavers cannot be listed: %s", why.text);
		if (late)
			return error_set(e, why.code ? why.code : ETIMEDOUT,
					 "no list of the weavers within start_timeout: %s",
					 why.text[0] ? why.text
						     : "the API server has not answered");
		poll(NULL, 0, LIST_POLL_MS);
	}
}
