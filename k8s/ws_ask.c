/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the ws thread and the client's loop; see ws_private.h. The API server's WebSockets are
 * authorised as "get", from 1.35 on as "create" too; a plain GET shows what it says to the first, a
 * plain POST to the second. Neither runs anything without an upgrade: what would have been allowed
 * is answered by 400 "Upgrade request required".
 */
#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/ws_private.h"

#define WS_ASK_NS (5 * CLOCK_NS_PER_S)

static void ws_ask_run(struct loop_job *job);
static void ws_ask_back(struct ws_job *job);

struct ws_ask *ws_ask_new(struct ws *w, const char *path)
{
	struct ws_ask *a = calloc(1, sizeof(*a));
	char *copy = strdup(path);

	if (!a || !copy) {
		free(a);
		free(copy);
		return NULL;
	}
	a->path = copy;
	a->ws = w;
	a->job.run = ws_ask_run;
	a->back.run = ws_ask_back;
	list_init(&a->job.node);
	list_init(&a->back.node);
	list_init(&a->node);
	return a;
}

void ws_ask_free(struct ws_ask *a)
{
	if (a->tls)
		SSL_CTX_free(a->tls);
	cluster_tls_address_done(&a->address);
	buf_wipe(&a->headers);
	free(a->path);
	free(a);
}

void ws_ask_start(struct ws_ask *a)
{
	loop_post(a->ws->loop, &a->job);
}

static void ws_ask_back(struct ws_job *job)
{
	struct ws_ask *a = container_of(job, struct ws_ask, back);

	a->answered(a);
}

/* ---- the loop thread ---- */

static void ws_ask_finish(struct ws_ask *a, int r)
{
	a->r = r;
	list_remove(&a->node);
	ws_post(a->ws, &a->back);
}

static int ws_ask_credentials(struct ws_ask *a, struct error *e)
{
	struct cluster *cluster = client_cluster(a->ws->client);
	struct curl_slist *headers = NULL;

	int r = cluster_headers(cluster, &headers, e);
	for (const struct curl_slist *h = headers; r == 0 && h; h = h->next) {
		/* Host is libwebsockets' own. */
		if (strncmp(h->data, "Host:", 5) != 0)
			buf_printf(&a->headers, "%s\r\n", h->data);
	}
	curl_slist_free_all(headers);
	if (r == 0 && buf_error(&a->headers) < 0)
		r = error_oom(e);
	a->generation = cluster_generation(cluster);
	if (r < 0 || (a->known && a->known_generation == a->generation))
		return r;
	r = cluster_tls_context(cluster, &a->tls, e);
	return r < 0 ? r : cluster_tls_address(cluster, &a->address, e);
}

static void ws_ask_reason_done(void *data, const struct reply *reply);

static void ws_ask_reason(struct ws_ask *a, enum request_method method)
{
	const struct request_spec spec = {
		.method = method,
		.path = a->path,
		.deadline_ns = clock_monotonic_ns() + WS_ASK_NS,
		.idempotent = method == REQUEST_GET,
		.on_done = ws_ask_reason_done,
		.data = a,
	};

	a->request = request_start(a->ws->client, &spec);
	if (!a->request)
		ws_ask_finish(a, error_oom(&a->error));
}

static void ws_ask_reason_done(void *data, const struct reply *reply)
{
	struct ws_ask *a = data;
	bool allowed = reply->http == 400 && reply->status &&
		       strstr(reply->status->message, "pgrade request required");

	a->request = NULL;
	if (!allowed && reply->r < 0) {
		a->error = reply->error;
		ws_ask_finish(a, reply->r);
	} else if (allowed && !a->posted) {
		a->posted = true;
		ws_ask_reason(a, REQUEST_POST);
	} else {
		ws_ask_finish(a, ws_ask_credentials(a, &a->error));
	}
}

static void ws_ask_run(struct loop_job *job)
{
	struct ws_ask *a = container_of(job, struct ws_ask, job);

	if (a->ws->detached) {
		ws_ask_finish(a, error_set(&a->error, ESHUTDOWN, "weaverfs is ending"));
		return;
	}
	list_push_back(&a->ws->asks, &a->node);
	/* A call renews credentials that have expired; nothing else does. */
	if (a->reason || cluster_expired(client_cluster(a->ws->client)))
		ws_ask_reason(a, REQUEST_GET);
	else
		ws_ask_finish(a, ws_ask_credentials(a, &a->error));
}
