/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few calls at a time, and a bounded number that wait: when a thousand weavers have failed, or
 * the first list brings them, those beyond it keep the hint that says where to look. What could not
 * be read is not kept, so the next change of the pod asks again.
 */
#include "fs/logs/last_line_asker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/last_line.h"
#include "fs/registry.h"
#include "fs/weaver/reason.h"
#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "k8s/base/list.h"
#include "k8s/pod.h"
#include "k8s/request.h"

#define PARALLEL 4
#define WAITING_MAX 64
#define DEADLINE_NS (10 * CLOCK_NS_PER_S)
/* Shells like to end with an empty line or two. */
#define TAIL_LINES 4
#define LIMIT_BYTES 16384

struct last_line_asker {
	struct weaverfs *fs;
	struct list asks; /* oldest first */
	unsigned waiting, out;
};

/* pod is a reference; its c is what is asked about. */
struct ask {
	struct list node;
	struct last_line_asker *asker;
	struct pod *pod;
	const struct pod_container *c;
	struct request *request; /* NULL: it waits */
};

static void ask_free(struct ask *k)
{
	struct last_line_asker *a = k->asker;

	if (k->request)
		a->out--;
	else
		a->waiting--;
	list_remove(&k->node);
	pod_unref(k->pod);
	free(k);
}

/* The last line with something in it. */
static const char *find_line(const char *body, size_t len, size_t *ret_len)
{
	while (len > 0 && strchr(" \t\r\n", body[len - 1]))
		len--;
	size_t at = len;
	while (at > 0 && body[at - 1] != '\n')
		at--;
	*ret_len = len - at;
	return body + at;
}

static void keep(struct ask *k, const struct reply *reply)
{
	/* The kubelet says so with a 200, when the container was removed already. */
	static const char removed[] = "unable to retrieve container logs for ";
	size_t len;

	if (reply->r < 0 || reply->len >= LIMIT_BYTES ||
	    strncmp(reply->body, removed, strlen(removed)) == 0)
		return;
	const char *line = find_line(reply->body, reply->len, &len);
	struct last_line *made = last_line_make(k->c, line, len);
	if (!made)
		return;
	registry_set_last_line(k->asker->fs->registry, k->pod->uid, made);
	last_line_unref(made);
}

static void send_next(struct last_line_asker *a);

static void on_done(void *data, const struct reply *reply)
{
	struct ask *k = data;
	struct last_line_asker *a = k->asker;

	keep(k, reply);
	ask_free(k);
	send_next(a);
}

static struct request *ask_send(struct ask *k)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "/api/v1/namespaces/%s/pods/", k->asker->fs->config->namespace_);
	buf_add_urlencoded(&path, k->pod->name, strlen(k->pod->name));
	buf_add_str(&path, "/log?container=");
	buf_add_urlencoded(&path, k->c->name, strlen(k->c->name));
	buf_printf(&path, "&tailLines=%d&limitBytes=%d", TAIL_LINES, LIMIT_BYTES);
	struct request_spec spec = {
		.method = REQUEST_GET,
		.path = buf_str(&path),
		.deadline_ns = clock_monotonic_ns() + DEADLINE_NS,
		.idempotent = true,
		.on_done = on_done,
		.data = k,
	};
	return buf_error(&path) < 0 ? NULL : request_start(k->asker->fs->client, &spec);
}

static void send_next(struct last_line_asker *a)
{
	list_for_each(k, &a->asks, struct ask, node) {
		if (a->out >= PARALLEL)
			return;
		if (k->request)
			continue;
		k->request = ask_send(k);
		if (!k->request) {
			ask_free(k);
			continue;
		}
		a->waiting--;
		a->out++;
	}
}

/* Whose last line would be a help: one that has run and ended, that cannot stay up or get well. */
static const struct pod_container *find_container(const struct last_line_asker *a,
						  const struct pod *pod,
						  const struct event_list *events)
{
	const struct reason_input in = { .pod = pod, .events = events, .config = a->fs->config };
	_cleanup_(reason_done) struct reason r = { 0 };

	if (pod->deleted_s || !reason_find(&in, &r) || !r.container)
		return NULL;
	bool ended = r.container->state == POD_STATE_TERMINATED && r.container->started_s;
	bool again =
		r.init && (r.container->restarts > 0 || r.container->state == POD_STATE_RUNNING);
	return ended || again ? r.container : NULL;
}

static bool is_asked(struct last_line_asker *a, const struct pod *pod)
{
	list_for_each(k, &a->asks, struct ask, node)
		if (strcmp(k->pod->uid, pod->uid) == 0)
			return true;
	return false;
}

static void look_at(struct last_line_asker *a, const struct registry_view *w)
{
	const struct pod_container *c = find_container(a, w->pod, w->events);

	if (!c || a->waiting >= WAITING_MAX || is_asked(a, w->pod) ||
	    last_line_is_of(w->last_line, c))
		return;
	struct ask *k = calloc(1, sizeof(*k));
	if (!k)
		return;
	k->asker = a;
	k->pod = pod_ref(w->pod);
	k->c = c;
	list_push_back(&a->asks, &k->node);
	a->waiting++;
	send_next(a);
}

void last_line_asker_changed(struct last_line_asker *a, const char *uid)
{
	struct registry_view w;

	if (registry_find_uid(a->fs->registry, uid, &w) < 0)
		return; /* nobody would read it */
	look_at(a, &w);
	registry_view_done(&w);
}

int last_line_asker_new(struct weaverfs *fs, struct last_line_asker **ret, struct error *e)
{
	struct last_line_asker *a = calloc(1, sizeof(*a));

	if (!a)
		return error_oom(e);
	a->fs = fs;
	list_init(&a->asks);
	*ret = a;
	return 0;
}

void last_line_asker_free(struct last_line_asker *a)
{
	if (!a)
		return;
	list_for_each(k, &a->asks, struct ask, node) {
		if (k->request)
			request_cancel(k->request);
		ask_free(k);
	}
	free(a);
}
