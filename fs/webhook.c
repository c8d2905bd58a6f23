/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery is one body for one receiver: it waits in the queue for a free place, is sent, and
 * after a failure that may pass sent again later, the same body with the same id. The queue has a
 * bound: what comes beyond it is dropped and said to be. A receiver that is slow or away costs
 * nobody but itself anything, and a URL may be a secret: only its host is ever shown.
 */
#include "fs/webhook.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config.h"
#include "fs/errors.h"
#include "fs/metrics.h"
#include "fs/podspec.h"
#include "fs/reason.h"
#include "fs/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/list.h"
#include "k8s/base/rfc3339.h"
#include "k8s/loop.h"
#include "k8s/request.h"

#define DELIVERIES_MAX 256
#define PARALLEL 8
#define TIMEOUT_S 30L
#define TRIES 4
#define HEX_MAX (2 * EVP_MAX_MD_SIZE + 1)
#define ID_LEN 32

struct webhook {
	struct weaverfs *fs;
	cJSON *hooks;   /* owned array; NULL: none */
	cJSON *cleaned; /* owned array: of the reaper's run; NULL: nothing yet */
	EVP_MD_CTX *cleaned_uids;
	struct list queue; /* struct delivery */
	struct list sent;  /* the same: on their way, or waiting for another try */
	unsigned deliveries, under_way;
};

struct delivery {
	struct list node;
	struct webhook *webhook;
	struct loop_transfer transfer; /* easy NULL: not under way */
	struct loop_timer again;
	struct curl_slist *headers; /* owned */
	const char *url;            /* of the settings */
	char *body;                 /* owned */
	unsigned tries;
	char curl_error[CURL_ERROR_SIZE];
};

static void hex(const unsigned char *bytes, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- deliveries ---- */

static void dispatch(struct webhook *h);

static void stop(struct delivery *d)
{
	if (!d->transfer.easy)
		return;
	curl_easy_cleanup(d->transfer.easy);
	d->transfer.easy = NULL;
	d->webhook->under_way--;
}

static void delivery_free(struct delivery *d)
{
	if (d->transfer.easy)
		loop_transfer_cancel(d->webhook->fs->loop, &d->transfer);
	stop(d);
	loop_timer_cancel(&d->again);
	list_remove(&d->node);
	d->webhook->deliveries--;
	curl_slist_free_all(d->headers);
	free(d->body);
	free(d);
}

/* "https://hooks.example" of a URL. */
static void show_host(const char *url, char *to, size_t size)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL;

	snprintf(to, size, "webhook");
	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		snprintf(to, size, "%s://%s", scheme, host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parts);
}

static void note_failure(struct webhook *h, const char *url, const struct error *e)
{
	char host[300];

	show_host(url, host, sizeof(host));
	errors_add(h->fs->errors, h->fs->uid, "webhook", host, e);
	metrics_add(h->fs->metrics, METRIC_WEBHOOKS_FAILED, 1);
}

static void again_fire(struct loop_timer *t)
{
	struct delivery *d = container_of(t, struct delivery, again);

	list_remove(&d->node);
	list_push_back(&d->webhook->queue, &d->node);
	dispatch(d->webhook);
}

/* 1, 5, 25 s after the first, second, third try. */
static void try_again(struct delivery *d)
{
	int64_t wait_s = 1;

	for (unsigned i = 1; i < d->tries; i++)
		wait_s *= 5;
	loop_timer_set(d->webhook->fs->loop, &d->again,
		       clock_monotonic_ns() + wait_s * CLOCK_NS_PER_S);
}

/* Whether the receiver may take it later. */
static bool may_pass(CURLcode result, long http)
{
	return result != CURLE_OK || http >= 500 || http == 408 || http == 429;
}

static void on_done(struct loop_transfer *t, CURLcode result)
{
	struct delivery *d = container_of(t, struct delivery, transfer);
	struct webhook *h = d->webhook;
	struct error e = ERROR_INIT;
	long http = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
	stop(d);
	if (result == CURLE_OK && http >= 200 && http < 300) {
		metrics_add(h->fs->metrics, METRIC_WEBHOOKS_SENT, 1);
		delivery_free(d);
	} else if (d->tries < TRIES && may_pass(result, http)) {
		try_again(d);
	} else {
		if (result == CURLE_OK)
			error_set(&e, EPROTO, "the receiver says %ld (%u tries)", http, d->tries);
		else
			error_set(&e, result == CURLE_OPERATION_TIMEDOUT ? ETIMEDOUT : EHOSTUNREACH,
				  "%s (%u tries)",
				  *d->curl_error ? d->curl_error : curl_easy_strerror(result),
				  d->tries);
		note_failure(h, d->url, &e);
		delivery_free(d);
	}
	dispatch(h);
}

/* What the receiver says in its body is nobody's business. */
static size_t drop(char *bytes, size_t size, size_t n, void *data)
{
	(void)bytes;
	(void)data;
	return size * n;
}

static int send_delivery(struct delivery *d, struct error *e)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return error_oom(e);
	d->tries++;
	d->webhook->under_way++;
	d->transfer = (struct loop_transfer){ .easy = easy, .done = on_done };
	curl_easy_setopt(easy, CURLOPT_URL, d->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "weaverfs/" WEAVERFS_VERSION);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, d->body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, d->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, d->curl_error);
	int r = loop_transfer_start(d->webhook->fs->loop, &d->transfer, e);
	if (r < 0)
		stop(d);
	return r;
}

static void dispatch(struct webhook *h)
{
	while (h->under_way < PARALLEL && !list_empty(&h->queue)) {
		struct delivery *d = list_entry(h->queue.next, struct delivery, node);
		struct error e = ERROR_INIT;

		list_remove(&d->node);
		list_push_back(&h->sent, &d->node);
		if (send_delivery(d, &e) == 0)
			continue;
		note_failure(h, d->url, &e);
		delivery_free(d);
	}
}

static int add_header(struct delivery *d, const char *name, const char *value)
{
	char line[HEX_MAX + 64];

	snprintf(line, sizeof(line), "%s: %s", name, value);
	struct curl_slist *more = curl_slist_append(d->headers, line);
	if (!more)
		return -ENOMEM;
	d->headers = more;
	return 0;
}

/* Bare hex of HMAC-SHA256 over the body (RFC 2104). */
static int add_signature(struct delivery *d, const char *secret)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char text[HEX_MAX] = "";
	unsigned len = 0;

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)d->body,
		  strlen(d->body), mac, &len))
		return -ENOMEM;
	hex(mac, len, text);
	return add_header(d, "X-Webhook-Signature", text);
}

static int delivery_fill(struct delivery *d, const cJSON *hook, const char *body, const char *id)
{
	const char *secret = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hook, "secret"));

	d->url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hook, "url"));
	d->body = strdup(body);
	if (!d->body || add_header(d, "Content-Type", "application/json") < 0 ||
	    add_header(d, "X-Webhook-Id", id) < 0)
		return -ENOMEM;
	return secret ? add_signature(d, secret) : 0;
}

static void deliver(struct webhook *h, const cJSON *hook, const char *body, const char *id)
{
	const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hook, "url"));
	struct error e = ERROR_INIT;

	if (h->deliveries >= DELIVERIES_MAX) {
		error_set(&e, EBUSY, "%d deliveries wait already: this one is dropped",
			  DELIVERIES_MAX);
		note_failure(h, url, &e);
		return;
	}
	struct delivery *d = calloc(1, sizeof(*d));
	if (!d) {
		error_oom(&e);
		note_failure(h, url, &e);
		return;
	}
	d->webhook = h;
	loop_timer_init(&d->again, again_fire);
	list_push_back(&h->queue, &d->node);
	h->deliveries++;
	if (delivery_fill(d, hook, body, id) == 0)
		return;
	error_oom(&e);
	note_failure(h, url, &e);
	delivery_free(d);
}

/* ---- events ---- */

static bool wants(const cJSON *hook, const char *event)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(hook, "events"))
		if (strcmp(one->valuestring, event) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct webhook *h, const char *event)
{
	const cJSON *hook;

	if (!h)
		return false;
	cJSON_ArrayForEach(hook, h->hooks)
		if (wants(hook, event))
			return true;
	return false;
}

/* Takes body; NULL: there was no memory for it. */
static void publish(struct webhook *h, const char *event, cJSON *body, const char *id)
{
	_cleanup_(cleanup_free) char *text = cJSON_PrintUnformatted(body);
	struct error e = ERROR_INIT;
	const cJSON *hook;

	cJSON_Delete(body);
	cJSON_ArrayForEach(hook, h->hooks) {
		if (!wants(hook, event))
			continue;
		if (text) {
			deliver(h, hook, text, id);
			continue;
		}
		error_oom(&e);
		note_failure(h, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hook, "url")),
			     &e);
	}
	dispatch(h);
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
	hex(digest, ID_LEN / 2, ret);
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
	hex(digest, ID_LEN / 2, id);
	int count = cJSON_GetArraySize(h->cleaned);
	cJSON *body = event_object("weavers.cleanup", client_server_time(h->fs->client));
	cJSON_AddItemToObject(body, "weavers", move_ptr(&h->cleaned));
	cJSON_AddNumberToObject(body, "count", count);
	publish(h, "weavers.cleanup", body, id);
}

/* ---- life cycle ---- */

int webhook_new(struct weaverfs *fs, struct webhook **ret, struct error *e)
{
	struct webhook *h = calloc(1, sizeof(*h));

	if (!h)
		return error_oom(e);
	h->fs = fs;
	list_init(&h->queue);
	list_init(&h->sent);
	h->cleaned_uids = EVP_MD_CTX_new();
	if (fs->config->webhooks)
		h->hooks = cJSON_Parse(fs->config->webhooks);
	if (!h->cleaned_uids || (fs->config->webhooks && !h->hooks)) {
		webhook_free(h);
		return error_oom(e);
	}
	*ret = h;
	return 0;
}

void webhook_free(struct webhook *h)
{
	if (!h)
		return;
	list_for_each(d, &h->queue, struct delivery, node)
		delivery_free(d);
	list_for_each(d, &h->sent, struct delivery, node)
		delivery_free(d);
	EVP_MD_CTX_free(h->cleaned_uids);
	cJSON_Delete(h->cleaned);
	cJSON_Delete(h->hooks);
	free(h);
}
