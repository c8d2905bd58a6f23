/* SPDX-License-Identifier: Apache-2.0 */
/* See quota.h. */
#include "tools/kubesim/quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/list.h"
#include "k8s/base/quantity.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/store.h"

#define QUOTA_SYNC_MS 20

static int64_t container_amount(const cJSON *c, const char *list, const char *resource)
{
	const cJSON *q =
		cJSON_GetObjectItemCaseSensitive(json_at(json_at(c, "resources"), list), resource);
	int64_t n = 0;
	if (cJSON_IsNumber(q))
		return (int64_t)(q->valuedouble * 1000);
	if (!cJSON_IsString(q) || quantity_parse_milli(q->valuestring, &n, NULL) < 0)
		return 0;
	return n;
}

int64_t quota_pod_sum(const cJSON *pod, const char *list, const char *resource)
{
	int64_t sum = 0, sidecars = 0, most = 0;
	cJSON *c;
	cJSON_ArrayForEach(c, json_at(pod, "spec.containers"))
		sum += container_amount(c, list, resource);
	cJSON_ArrayForEach(c, json_at(pod, "spec.initContainers")) {
		int64_t n = container_amount(c, list, resource);
		if (strcmp(json_str_or(c, "restartPolicy", ""), "Always") == 0)
			sidecars += n;
		else if (n + sidecars > most)
			most = n + sidecars;
	}
	return sum + sidecars > most ? sum + sidecars : most;
}

/* "limits.cpu" → the list and resource; false: this key counts no pod's resources. */
static bool key_split(const char *key, const char **list, const char **resource)
{
	*list = "requests";
	*resource = key;
	if (strncmp(key, "limits.", 7) == 0) {
		*list = "limits";
		*resource = key + 7;
	} else if (strncmp(key, "requests.", 9) == 0) {
		*resource = key + 9;
	}
	return strcmp(*resource, "cpu") == 0 || strcmp(*resource, "memory") == 0 ||
	       strcmp(*resource, "ephemeral-storage") == 0;
}

static bool is_pod_count(const char *key)
{
	return strcmp(key, "pods") == 0 || strcmp(key, "count/pods") == 0;
}

static int64_t pod_usage(const cJSON *pod, const char *key)
{
	const char *list, *resource;
	if (is_pod_count(key))
		return 1000;
	return key_split(key, &list, &resource) ? quota_pod_sum(pod, list, resource) : 0;
}

/* The canonical form: cpu in units or m, bytes with the largest binary suffix that divides them. */
static void amount_format(const char *key, int64_t milli, char *out, size_t size)
{
	static const char *const suffixes[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi" };
	if (milli % 1000) {
		snprintf(out, size, "%" PRId64 "m", milli);
		return;
	}
	int64_t n = milli / 1000;
	size_t i = 0;
	bool bytes = strstr(key, "memory") || strstr(key, "storage");
	while (bytes && n && n % 1024 == 0 && i + 1 < ARRAY_SIZE(suffixes)) {
		n /= 1024;
		i++;
	}
	snprintf(out, size, "%" PRId64 "%s", n, suffixes[i]);
}

static bool pod_counts(const struct object *o)
{
	const char *phase = json_member(o->now->fields, "status.phase");
	return strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0;
}

/* Sums of the namespace's pods for each key of hard, as numbers of thousandths. Returns owned. */
static cJSON *usage_of(const char *ns, const cJSON *hard)
{
	cJSON *used = cJSON_CreateObject();
	const cJSON *key;
	cJSON_ArrayForEach(key, hard)
		cJSON_AddNumberToObject(used, key->string, 0);
	struct object *const *pods;
	size_t n = store_range(&kind_table[KIND_POD], ns, &pods);
	for (size_t i = 0; i < n; i++) {
		if (!pod_counts(pods[i]))
			continue;
		_cleanup_(cJSON_Deletep) cJSON *pod = store_json(pods[i]);
		cJSON *sum;
		cJSON_ArrayForEach(sum, used)
			sum->valuedouble += (double)pod_usage(pod, sum->string);
	}
	return used;
}

static void amount_add(struct buf *b, const char *key, int64_t milli)
{
	char text[48];
	amount_format(key, milli, text, sizeof(text));
	buf_printf(b, "%s%s=%s", b->len ? "," : "", key, text);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of hard in order: the API server's messages are sorted. Returns how many. */
static size_t sorted_keys(const cJSON *hard, const char **keys, size_t room)
{
	size_t n = 0;
	const cJSON *key;
	cJSON_ArrayForEach(key, hard)
		if (n < room)
			keys[n++] = key->string;
	qsort(keys, n, sizeof(*keys), compare_keys);
	return n;
}

static bool forbid(struct request *r, const char *name, const char *text)
{
	reply_status(r, &(struct reply_status){ 403, "Forbidden", "pods", name },
		     "pods \"%s\" is forbidden: %s", name, text);
	return false;
}

/* Which containers do not say what a quota counts. */
static void missing_add(const cJSON *pod, const char *key, struct buf *out)
{
	const char *list, *resource;
	if (is_pod_count(key) || !key_split(key, &list, &resource))
		return;
	_cleanup_(buf_done) struct buf names = BUF_INIT;
	static const char *const lists[] = { "containers", "initContainers" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cJSON *c;
		cJSON_ArrayForEach(c, json_at(json_at(pod, "spec"), lists[i]))
			if (!json_member(json_at(json_at(c, "resources"), list), resource))
				buf_printf(&names, "%s%s", names.len ? "," : "",
					   json_str_or(c, "name", ""));
	}
	if (names.len)
		buf_printf(out, "%s%s for: %s", out->len ? "; " : "", key, buf_str(&names));
}

static bool quota_check(struct request *r, const cJSON *quota, const char *name, const cJSON *pod,
			const cJSON *used)
{
	const cJSON *hard = json_at(quota, "spec.hard");
	const char *keys[64];
	size_t n = sorted_keys(hard, keys, ARRAY_SIZE(keys));
	_cleanup_(buf_done) struct buf missing = BUF_INIT, wanted = BUF_INIT, have = BUF_INIT;
	_cleanup_(buf_done) struct buf limited = BUF_INIT, text = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		missing_add(pod, keys[i], &missing);
	const char *quota_name = json_str_or(quota, "metadata.name", "");
	if (missing.len) {
		buf_printf(&text, "failed quota: %s: must specify %s", quota_name,
			   buf_str(&missing));
		return forbid(r, name, buf_str(&text));
	}
	for (size_t i = 0; i < n; i++) {
		const char *most = json_member(hard, keys[i]);
		int64_t max, now = json_int(used, keys[i], 0), more = pod_usage(pod, keys[i]);
		const cJSON *sum = cJSON_GetObjectItemCaseSensitive(used, keys[i]);
		now = sum ? (int64_t)sum->valuedouble : now;
		if (!most || quantity_parse_milli(most, &max, NULL) < 0 || more == 0 ||
		    now + more <= max)
			continue;
		amount_add(&wanted, keys[i], more);
		amount_add(&have, keys[i], now);
		amount_add(&limited, keys[i], max);
	}
	if (!wanted.len)
		return true;
	buf_printf(&text, "exceeded quota: %s, requested: %s, used: %s, limited: %s", quota_name,
		   buf_str(&wanted), buf_str(&have), buf_str(&limited));
	return forbid(r, name, buf_str(&text));
}

bool quota_admit(struct request *r, const char *ns, const char *name, const cJSON *pod)
{
	struct object *const *quotas;
	size_t n = store_range(&kind_table[KIND_RESOURCEQUOTA], ns, &quotas);
	for (size_t i = 0; i < n; i++) {
		_cleanup_(cJSON_Deletep) cJSON *quota = store_json(quotas[i]);
		_cleanup_(cJSON_Deletep) cJSON *used = usage_of(ns, json_at(quota, "spec.hard"));
		if (!quota_check(r, quota, name, pod, used))
			return false;
	}
	return true;
}

/* ---- status ---- */

struct sync {
	struct list all;
	struct loop_timer timer;
	char *ns;
};

static struct list syncs = LIST_INIT(syncs);

static void sync_free(struct sync *s)
{
	list_remove(&s->all);
	loop_timer_stop(&s->timer);
	free(s->ns);
	free(s);
}

static void sync_fired(struct loop_timer *t)
{
	struct sync *s = container_of(t, struct sync, timer);
	struct object *const *quotas;
	size_t n = store_range(&kind_table[KIND_RESOURCEQUOTA], s->ns, &quotas);
	for (size_t i = 0; i < n; i++) {
		cJSON *quota = store_json(quotas[i]);
		const cJSON *hard = json_at(quota, "spec.hard");
		_cleanup_(cJSON_Deletep) cJSON *used = usage_of(s->ns, hard);
		cJSON *status = cJSON_CreateObject(), *words = cJSON_CreateObject(), *sum;
		cJSON_AddItemToObject(status, "hard", cJSON_Duplicate(hard, true));
		cJSON_ArrayForEach(sum, used) {
			char text[48];
			amount_format(sum->string, (int64_t)sum->valuedouble, text, sizeof(text));
			cJSON_AddStringToObject(words, sum->string, text);
		}
		cJSON_AddItemToObject(status, "used", words);
		json_set(quota, "status", status);
		store_update(quotas[i], quota);
	}
	sync_free(s);
}

void quota_sync(const char *ns)
{
	list_for_each(s, &syncs, struct sync, all)
		if (strcmp(s->ns, ns) == 0)
			return;
	struct sync *s = calloc(1, sizeof(*s));
	if (!s || !(s->ns = strdup(ns)))
		abort();
	list_push_back(&syncs, &s->all);
	loop_timer_set(&s->timer, QUOTA_SYNC_MS, sync_fired);
}

void quota_done(void)
{
	list_for_each(s, &syncs, struct sync, all)
		sync_free(s);
}
