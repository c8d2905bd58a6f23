/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery waits for a free place, is sent, and after a failure that may pass sent again later,
 * the same body with the same id. Each receiver has a queue of its own, with a bound: what comes
 * beyond it is dropped, counted and said to be. So a receiver that is slow or away costs nobody but
 * itself anything. A URL may be a secret: only its host is ever shown.
 */
#include "fs/webhook/webhook_queue.h"

#include <errno.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/errors.h"
#include "fs/metrics.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/log.h"
#include "k8s/loop.h"

#define DELIVERIES_MAX 256
#define ROOM_AGAIN (DELIVERIES_MAX / 2) /* not at each delivery that was taken */
#define PARALLEL 8
#define TIMEOUT_S 30L
#define TRIES 4
#define HOST_SHOWN 300
#define HEX_MAX (2 * EVP_MAX_MD_SIZE + 1)

struct delivery {
	struct list node;
	struct webhook_queue *queue;
	struct loop_transfer transfer; /* easy NULL: not under way */
	struct loop_timer again;
	struct curl_slist *headers; /* owned */
	char *body;                 /* owned */
	unsigned tries;
	char curl_error[CURL_ERROR_SIZE];
};

void webhook_queue_hex(const unsigned char *bytes, size_t n, char *to)
{
	for (size_t i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

static void dispatch(struct webhook_queue *q);

static void stop(struct delivery *d)
{
	if (!d->transfer.easy)
		return;
	curl_easy_cleanup(d->transfer.easy);
	d->transfer.easy = NULL;
	d->queue->under_way--;
}

static void delivery_free(struct delivery *d)
{
	if (d->transfer.easy)
		loop_transfer_cancel(d->queue->fs->loop, &d->transfer);
	stop(d);
	loop_timer_cancel(&d->again);
	list_remove(&d->node);
	d->queue->deliveries--;
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

static void note(struct webhook_queue *q, const struct error *e)
{
	char host[HOST_SHOWN];

	show_host(q->url, host, sizeof(host));
	errors_add(q->fs->errors, q->fs->uid, "webhook", host, e);
}

static void note_failure(struct webhook_queue *q, const struct error *e)
{
	note(q, e);
	metrics_add(q->fs->metrics, METRIC_WEBHOOKS_FAILED, 1);
}

/* Each is counted; a line for each would push out of .weaverfs/errors whatever else has failed. */
static void drop_one(struct webhook_queue *q)
{
	struct error e;

	metrics_add(q->fs->metrics, METRIC_WEBHOOKS_FAILED, 1);
	if (q->dropped++ > 0)
		return;
	error_set(&e, EBUSY, "%d deliveries wait already: more are dropped until it takes some",
		  DELIVERIES_MAX);
	note(q, &e);
}

static void tell_dropped(struct webhook_queue *q)
{
	struct error e;

	if (!q->dropped || q->deliveries > ROOM_AGAIN)
		return;
	error_set(&e, EBUSY, "%u deliveries were dropped before it took some again", q->dropped);
	q->dropped = 0;
	note(q, &e);
}

static void again_fire(struct loop_timer *t)
{
	struct delivery *d = container_of(t, struct delivery, again);

	d->queue->resting--;
	list_remove(&d->node);
	list_push_back(&d->queue->waiting, &d->node);
	dispatch(d->queue);
}

/* 1, 5, 25 s after the first, second, third try. */
static void try_again(struct delivery *d)
{
	int64_t wait_s = 1;

	d->queue->resting++;
	for (unsigned i = 1; i < d->tries; i++)
		wait_s *= 5;
	loop_timer_set(d->queue->fs->loop, &d->again,
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
	struct webhook_queue *q = d->queue;
	struct error e = ERROR_INIT;
	long http = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
	stop(d);
	if (result == CURLE_OK && http >= 200 && http < 300) {
		metrics_add(q->fs->metrics, METRIC_WEBHOOKS_SENT, 1);
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
		note_failure(q, &e);
		delivery_free(d);
	}
	tell_dropped(q);
	dispatch(q);
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
	d->queue->under_way++;
	d->transfer = (struct loop_transfer){ .easy = easy, .done = on_done };
	curl_easy_setopt(easy, CURLOPT_URL, d->queue->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "weaverfs/" WEAVERFS_VERSION);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, d->body);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, d->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, d->curl_error);
	int r = loop_transfer_start(d->queue->fs->loop, &d->transfer, e);
	if (r < 0)
		stop(d);
	return r;
}

static void dispatch(struct webhook_queue *q)
{
	while (q->under_way < PARALLEL && !list_empty(&q->waiting)) {
		struct delivery *d = list_entry(q->waiting.next, struct delivery, node);
		struct error e = ERROR_INIT;

		list_remove(&d->node);
		list_push_back(&q->sent, &d->node);
		if (send_delivery(d, &e) == 0)
			continue;
		note_failure(q, &e);
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
	webhook_queue_hex(mac, len, text);
	return add_header(d, "X-Webhook-Signature", text);
}

static const char *setting(const cJSON *settings, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, key));
}

static int delivery_fill(struct delivery *d, const char *body, const char *id)
{
	const char *secret = setting(d->queue->settings, "secret");

	d->body = strdup(body);
	if (!d->body || add_header(d, "Content-Type", "application/json") < 0 ||
	    add_header(d, "X-Webhook-Id", id) < 0)
		return -ENOMEM;
	return secret ? add_signature(d, secret) : 0;
}

void webhook_queue_add(struct webhook_queue *q, const char *body, const char *id)
{
	struct error e = ERROR_INIT;

	if (q->deliveries >= DELIVERIES_MAX) {
		drop_one(q);
		return;
	}
	struct delivery *d = calloc(1, sizeof(*d));
	if (!d) {
		error_oom(&e);
		note_failure(q, &e);
		return;
	}
	d->queue = q;
	loop_timer_init(&d->again, again_fire);
	list_push_back(&q->waiting, &d->node);
	q->deliveries++;
	if (delivery_fill(d, body, id) == 0) {
		dispatch(q);
		return;
	}
	error_oom(&e);
	note_failure(q, &e);
	delivery_free(d);
}

void webhook_queue_lost(struct webhook_queue *q)
{
	struct error e;

	error_oom(&e);
	note_failure(q, &e);
}

void webhook_queue_init(struct webhook_queue *q, struct weaverfs *fs, const cJSON *settings)
{
	*q = (struct webhook_queue){ .fs = fs,
				     .settings = settings,
				     .url = setting(settings, "url") };
	list_init(&q->waiting);
	list_init(&q->sent);
}

unsigned webhook_queue_busy(const struct webhook_queue *q)
{
	return q->deliveries - q->resting;
}

void webhook_queue_done(struct webhook_queue *q)
{
	char host[HOST_SHOWN];

	if (q->deliveries > 0) {
		show_host(q->url, host, sizeof(host));
		log_write(LOG_LEVEL_WARNING, "%s: %u webhook deliveries were not sent", host,
			  q->deliveries);
	}
	list_for_each(d, &q->waiting, struct delivery, node)
		delivery_free(d);
	list_for_each(d, &q->sent, struct delivery, node)
		delivery_free(d);
}
