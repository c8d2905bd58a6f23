/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/quota.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/lock.h"
#include "k8s/base/quantity.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define INTERVAL_NS (30 * CLOCK_NS_PER_S)
#define CHANGED_NS (1 * CLOCK_NS_PER_S)
#define DEADLINE_NS (10 * CLOCK_NS_PER_S)

struct memory {
	int64_t total, used; /* bytes; total 0: not known */
};

struct quota {
	struct weaverfs *fs;
	struct loop_timer timer;
	struct request *request; /* NULL: none out */
	int64_t asked_ns;
	bool again;    /* something has changed since the request was sent */
	bool no_nodes; /* they may not be read */

	struct lock lock;     /* LOCK_LEAF */
	struct memory memory; /* lock */
};

static void publish(struct quota *q, const struct memory *m)
{
	lock_guard(&q->lock);
	q->memory = *m;
}

static int64_t member_bytes(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	int64_t bytes;

	return text && quantity_parse(text, &bytes, NULL) == 0 ? bytes : -1;
}

/*
 * A ResourceQuota (core/v1) that bounds memory: the limits where it has them, they are what users
 * ask for. Of several quotas df shows the one with least left.
 */
static void take_quota(const cJSON *quota, struct memory *m)
{
	static const char *const resources[] = { "limits.memory", "requests.memory", "memory" };
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(quota, "status");
	const cJSON *hard = cJSON_GetObjectItemCaseSensitive(status, "hard");
	const cJSON *used = cJSON_GetObjectItemCaseSensitive(status, "used");

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		int64_t total = member_bytes(hard, resources[i]);
		int64_t taken = member_bytes(used, resources[i]);

		if (total <= 0)
			continue;
		if (taken < 0)
			taken = 0;
		if (m->total == 0 || total - taken < m->total - m->used)
			*m = (struct memory){ total, taken };
		return;
	}
}

static void take_node(const cJSON *node, struct memory *m)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(node, "status");
	const cJSON *allocatable = cJSON_GetObjectItemCaseSensitive(status, "allocatable");
	int64_t bytes = member_bytes(allocatable, "memory");

	if (bytes > 0)
		m->total += bytes;
}

static void take_items(const struct reply *reply, struct memory *m,
		       void (*take)(const cJSON *item, struct memory *m))
{
	cJSON *list = cJSON_ParseWithLength(reply->body, reply->len);
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "items"))
		take(item, m);
	cJSON_Delete(list);
}

static int64_t limits_of_weavers(struct registry *r)
{
	struct registry_entry *weavers = NULL;
	int64_t sum = 0, bytes;
	size_t n = 0;

	if (registry_list_take(r, true, &weavers, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (weaver_active(weavers[i].pod) &&
		    quantity_parse(weavers[i].pod->memory_limit, &bytes, NULL) == 0)
			sum += bytes;
	registry_list_free(weavers, n);
	return sum;
}

static void done(struct quota *q)
{
	int64_t at_ns = q->asked_ns + (q->again ? CHANGED_NS : INTERVAL_NS);

	loop_timer_set(q->fs->loop, &q->timer, at_ns);
}

static void on_nodes(void *data, const struct reply *reply)
{
	struct quota *q = data;
	struct memory m = { 0 };

	q->request = NULL;
	if (reply->r == 0)
		take_items(reply, &m, take_node);
	q->no_nodes = reply->http == 403 || reply->http == 404;
	if (m.total > 0)
		m.used = limits_of_weavers(q->fs->registry);
	publish(q, &m);
	done(q);
}

static void ask(struct quota *q, const char *path, void (*on_done)(void *, const struct reply *))
{
	q->request = request_start(q->fs->client,
				   &(struct request_spec){
					   .method = REQUEST_GET,
					   .path = path,
					   .deadline_ns = clock_monotonic_ns() + DEADLINE_NS,
					   .idempotent = true,
					   .on_done = on_done,
					   .data = q,
				   });
	if (!q->request)
		done(q);
}

/* What could not be read now stays as it was known last. */
static void on_quotas(void *data, const struct reply *reply)
{
	struct quota *q = data;
	struct memory m = { 0 };

	q->request = NULL;
	if (reply->r == 0)
		take_items(reply, &m, take_quota);
	if (reply->r == 0 && m.total == 0 && !q->no_nodes) {
		ask(q, "/api/v1/nodes", on_nodes);
		return;
	}
	if (reply->r == 0)
		publish(q, &m);
	done(q);
}

static void fire(struct loop_timer *t)
{
	struct quota *q = container_of(t, struct quota, timer);
	char path[256];

	q->asked_ns = clock_monotonic_ns();
	q->again = false;
	if (client_away(q->fs->client, NULL)) {
		done(q);
		return;
	}
	snprintf(path, sizeof(path), "/api/v1/namespaces/%s/resourcequotas",
		 q->fs->config->namespace_);
	ask(q, path, on_quotas);
}

void quota_changed(struct quota *q)
{
	q->again = true;
	if (!q->request)
		done(q);
}

void quota_statfs(struct quota *q, struct statvfs *st)
{
	lock_guard(&q->lock);
	int64_t free_bytes = q->memory.total - q->memory.used;

	st->f_blocks = (fsblkcnt_t)(q->memory.total / (int64_t)st->f_frsize);
	st->f_bfree = free_bytes > 0 ? (fsblkcnt_t)(free_bytes / (int64_t)st->f_frsize) : 0;
	st->f_bavail = st->f_bfree;
}

int quota_new(struct weaverfs *fs, struct quota **ret, struct error *e)
{
	struct quota *q = calloc(1, sizeof(*q));

	if (!q)
		return error_oom(e);
	q->fs = fs;
	lock_init(&q->lock, LOCK_LEAF);
	loop_timer_init(&q->timer, fire);
	loop_timer_set(fs->loop, &q->timer, clock_monotonic_ns());
	*ret = q;
	return 0;
}

void quota_free(struct quota *q)
{
	if (!q)
		return;
	if (q->request)
		request_cancel(q->request);
	loop_timer_cancel(&q->timer);
	lock_done(&q->lock);
	free(q);
}
