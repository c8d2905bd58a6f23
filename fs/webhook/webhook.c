/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event becomes one body, and that a delivery for each receiver that wants it; webhook_queue.c
 * does the rest.
 */
#include "fs/webhook/webhook.h"

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook_queue.h"
#include "k8s/base/rfc3339.h"
#include "k8s/request.h"

#define ID_LEN 32

struct webhook {
	struct weaverfs *fs;
	cJSON *settings;              /* owned array; NULL: none */
	struct webhook_queue *queues; /* owned array: one for each of them */
	size_t n_queues;
	cJSON *cleaned; /* owned array: of the reaper's run; NULL: nothing yet */
	EVP_MD_CTX *cleaned_uids;
};

static bool wants(const struct webhook_queue *q, const char *event)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(q->settings, "events"))
		if (strcmp(one->valuestring, event) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct webhook *h, const char *event)
{
	for (size_t i = 0; h && i < h->n_queues; i++)
		if (wants(&h->queues[i], event))
			return true;
	return false;
}

/* Takes body; NULL: there was no memory for it. */
static void publish(struct webhook *h, const char *event, cJSON *body, const char *id)
{
	_cleanup_(cleanup_free) char *text = cJSON_PrintUnformatted(body);

	cJSON_Delete(body);
	for (size_t i = 0; i < h->n_queues; i++) {
		if (!wants(&h->queues[i], event))
			continue;
		if (text)
			webhook_queue_add(&h->queues[i], text, id);
		else
			webhook_queue_lost(&h->queues[i]);
	}
}

/* A lone out of memory below makes an incomplete body; the rest of it is still true. */
static cJSON *weaver_object(const struct pod *pod)
{
	const char *tags = pod_annotation(pod, LOOM_ANNOTATION_TAGS);
	cJSON *parsed = tags ? cJSON_Parse(tags) : NULL;
	cJSON *weaver = cJSON_CreateObject();

	if (!cJSON_IsObject(parsed)) {
		cJSON_Delete(parsed);
		parsed = cJSON_CreateObject();
	}
	cJSON_AddStringToObject(weaver, "id", weaver_id(pod));
	cJSON_AddStringToObject(weaver, "image", pod->image);
	cJSON_AddItemToObject(weaver, "tags", parsed);
	return weaver;
}

static cJSON *event_object(const char *event, int64_t time_s)
{
	char time[RFC3339_SECONDS_LEN + 1];
	cJSON *body = cJSON_CreateObject();

	rfc3339_format(time_s, time);
	cJSON_AddStringToObject(body, "event", event);
	cJSON_AddStringToObject(body, "timestamp", time);
	return body;
}

/* The same on all mounts. */
static void event_id(const char *event, const struct pod *pod, char ret[ID_LEN + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	buf_printf(&text, "%s\n%s", pod->uid, event);
	EVP_Digest(buf_str(&text), text.len, digest, NULL, EVP_sha256(), NULL);
	webhook_queue_hex(digest, ID_LEN / 2, ret);
}

static void publish_weaver(struct webhook *h, const char *event, const struct pod *pod,
			   int64_t time_s, const char *reason)
{
	char id[ID_LEN + 1];

	event_id(event, pod, id);
	cJSON *body = event_object(event, time_s);
	cJSON_AddItemToObject(body, "weaver", weaver_object(pod));
	if (reason)
		cJSON_AddStringToObject(body, "reason", reason);
	publish(h, event, body, id);
}

void webhook_created(struct webhook *h, const struct pod *pod)
{
	if (is_wanted(h, "weaver.created"))
		publish_weaver(h, "weaver.created", pod, client_server_time(h->fs->client), NULL);
}

void webhook_deleted(struct webhook *h, const struct pod *pod)
{
	if (is_wanted(h, "weaver.deleted"))
		publish_weaver(h, "weaver.deleted", pod, client_server_time(h->fs->client), NULL);
}

/* Its time is that of the failure, where the pod says it: all mounts shall say the same. */
void webhook_failed(struct webhook *h, const struct pod *pod, const struct event_list *events)
{
	_cleanup_(buf_done) struct buf reason = BUF_INIT;
	const struct pod_container *c = pod_main(pod);

	if (!is_wanted(h, "weaver.failed"))
		return;
	int64_t now_s = client_server_time(h->fs->client);
	struct reason_input in = { .pod = pod, .events = events, .config = h->fs->config };
	weaver_reason(&in, &reason);
	if (reason.len > 0)
		reason.data[strcspn(reason.data, "\n")] = '\0';
	publish_weaver(h, "weaver.failed", pod, c && c->finished_s ? c->finished_s : now_s,
		       buf_str(&reason));
}

void webhook_cleaned(struct webhook *h, const struct pod *pod)
{
	if (!is_wanted(h, "weavers.cleanup"))
		return;
	if (!h->cleaned) {
		EVP_DigestInit_ex(h->cleaned_uids, EVP_sha256(), NULL);
		h->cleaned = cJSON_CreateArray();
	}
	EVP_DigestUpdate(h->cleaned_uids, pod->uid, strlen(pod->uid));
	cJSON_AddItemToArray(h->cleaned, weaver_object(pod));
}

void webhook_cleanup(struct webhook *h)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	char id[ID_LEN + 1];

	if (!h || !h->cleaned)
		return;
	EVP_DigestFinal_ex(h->cleaned_uids, digest, NULL);
	webhook_queue_hex(digest, ID_LEN / 2, id);
	int count = cJSON_GetArraySize(h->cleaned);
	cJSON *body = event_object("weavers.cleanup", client_server_time(h->fs->client));
	cJSON_AddItemToObject(body, "weavers", move_ptr(&h->cleaned));
	cJSON_AddNumberToObject(body, "count", count);
	publish(h, "weavers.cleanup", body, id);
}

/* ---- life cycle ---- */

static int queues_new(struct webhook *h, struct error *e)
{
	const cJSON *settings;

	if (h->fs->config->webhooks && !(h->settings = cJSON_Parse(h->fs->config->webhooks)))
		return error_oom(e);
	size_t n = (size_t)cJSON_GetArraySize(h->settings);
	h->queues = calloc(n + 1, sizeof(*h->queues));
	if (!h->queues)
		return error_oom(e);
	cJSON_ArrayForEach(settings, h->settings)
		webhook_queue_init(&h->queues[h->n_queues++], h->fs, settings);
	return 0;
}

int webhook_new(struct weaverfs *fs, struct webhook **ret, struct error *e)
{
	struct webhook *h = calloc(1, sizeof(*h));

	if (!h)
		return error_oom(e);
	h->fs = fs;
	h->cleaned_uids = EVP_MD_CTX_new();
	int r = h->cleaned_uids ? queues_new(h, e) : error_oom(e);
	if (r < 0) {
		webhook_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

unsigned webhook_busy(const struct webhook *h)
{
	unsigned n = 0;

	for (size_t i = 0; h && i < h->n_queues; i++)
		n += webhook_queue_busy(&h->queues[i]);
	return n;
}

void webhook_free(struct webhook *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_queues; i++)
		webhook_queue_done(&h->queues[i]);
	EVP_MD_CTX_free(h->cleaned_uids);
	cJSON_Delete(h->cleaned);
	free(h->queues);
	cJSON_Delete(h->settings);
	free(h);
}
