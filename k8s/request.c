/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a call: attempts until one gives an answer that counts, or until waiting for the next
 * one would pass the deadline; then the last answer counts. What may be tried again:
 *
 *	definite rejection, nothing was done   everything: 429, 503 with Retry-After, a fresh
 *	                                       namespace's service account, a quota's race
 *	never reached the server               everything, unless the server was known to be away
 *	may have been carried out, other 5xx   what is idempotent
 *	401, TLS failure                       everything, once, if new credentials are to be had
 *
 * Users are called from the loop's timers and from done(), never from inside their own calls.
 */
#include "k8s/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/request_private.h"

#define REQUEST_BACKOFF_MIN_MS 50
#define REQUEST_BACKOFF_MAX_MS 1000
#define REQUEST_SERVICE_ACCOUNT_MS 100
#define REQUEST_QUOTA_RACES 5

static void request_free(struct request *r)
{
	if (r->transfer.easy)
		request_attempt_end(r);
	list_remove(&r->node);
	loop_timer_cancel(&r->wake);
	loop_timer_cancel(&r->doubt);
	buf_done(&r->pending);
	if (r->spec.secret)
		buf_wipe(&r->reply_body);
	buf_done(&r->reply_body);
	buf_done(&r->warning);
	free(r->path);
	if (r->body && r->spec.secret)
		explicit_bzero(r->body, r->spec.body_len);
	free(r->body);
	free(r);
}

static void request_finish(struct request *r)
{
	struct reply reply = {
		.r = r->result,
		.http = r->http,
		.ambiguous = r->result < 0 && r->ambiguous,
		.body = buf_str(&r->reply_body),
		.len = r->reply_body.len,
		.status = r->http && (r->http < 200 || r->http >= 300) ? &r->status : NULL,
		.warning = r->warning.len > 0 ? buf_str(&r->warning) : NULL,
		.error = r->error,
	};

	r->finishing = true;
	list_remove(&r->node);
	/* Somebody is there, whom we do not trust: each call finds that out fast, and says so. */
	if (r->result == -EPROTO && !r->http)
		client_note_answered(r->client, 0);
	client_note_end(r->client, r);
	lock_assert_none();
	r->spec.on_done(r->spec.data, &reply);
	request_free(r);
}

static void request_wake_at(struct request *r, enum request_next next, int64_t at_ns)
{
	r->next = next;
	loop_timer_set(r->client->loop, &r->wake, at_ns);
}

/* Ends the call at the next turn. error must be set. */
static void request_finish_soon(struct request *r, int result)
{
	r->result = result;
	request_wake_at(r, REQUEST_FINISH, 0);
}

static bool request_is_late(const struct request *r, int64_t at_ns)
{
	return r->spec.deadline_ns && at_ns >= r->spec.deadline_ns;
}

/* Plans the next attempt; false where it would come too late, or there is to be none. */
static bool request_retry_in(struct request *r, int64_t delay_ms)
{
	int64_t at_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;

	/* Without a deadline it is a stream, whose user has a back-off of its own. */
	if (delay_ms < 0 || !r->spec.deadline_ns || request_is_late(r, at_ns))
		return false;
	request_wake_at(r, REQUEST_ATTEMPT, at_ns);
	return true;
}

/* Half to all of ms. The clock's low bits are random enough to part two callers. */
static int64_t request_jitter(int64_t ms)
{
	return ms / 2 + clock_monotonic_ns() / 1024 % (ms / 2 + 1);
}

static int64_t request_backoff_ms(const struct request *r)
{
	unsigned doublings = r->failures < 6 ? r->failures : 6;
	int64_t ms = (int64_t)REQUEST_BACKOFF_MIN_MS << doublings;

	return request_jitter(ms < REQUEST_BACKOFF_MAX_MS ? ms : REQUEST_BACKOFF_MAX_MS);
}

/* True: it waits for new credentials, and request_renewed() goes on. */
static bool request_renew(struct request *r)
{
	if (r->renewed)
		return false;
	r->renewed = true;
	r->renewing = true;
	/* Whatever comes first; error holds what is to be said if it is the deadline. */
	if (r->spec.deadline_ns)
		request_wake_at(r, REQUEST_FINISH, r->spec.deadline_ns);
	client_renew(r->client);
	return true;
}

void request_renewed(struct request *r, int result, const struct error *e)
{
	assert(r->renewing);
	r->renewing = false;
	if (result == 0) {
		request_wake_at(r, REQUEST_ATTEMPT, 0);
		return;
	}
	struct error before = r->error;
	error_set(&r->error, before.code, "%s; %s", before.text, e->text);
	request_wake_at(r, REQUEST_FINISH, 0);
}

static void request_attempt(struct request *r)
{
	const char *server = cluster_server(r->client->cluster);

	if (request_is_late(r, clock_monotonic_ns())) {
		if (!r->error.code)
			error_set(&r->error, ETIMEDOUT, "%s: no time left to ask", server);
		request_finish_soon(r, -r->error.code);
		return;
	}
	if (cluster_expired(r->client->cluster) && !r->renewed) {
		r->result =
			error_set(&r->error, EACCES,
				  "%s: the credential plugin's credentials have expired", server);
		request_renew(r);
		return;
	}
	int res = request_attempt_start(r, &r->error);
	if (res < 0)
		request_finish_soon(r, res);
}

static void request_fire_wake(struct loop_timer *t)
{
	struct request *r = container_of(t, struct request, wake);

	if (r->next == REQUEST_ATTEMPT)
		request_attempt(r);
	else
		request_finish(r);
}

/* How long to wait before the next attempt after an answer that was not 2xx; -1: no next one. */
static int64_t request_rejected_delay_ms(struct request *r)
{
	const struct status *s = &r->status;
	bool unclear = s->code == 500 || s->code == 502 || s->code == 503 || s->code == 504;

	if (!status_retryable(s) && !(r->spec.idempotent && unclear))
		return -1;
	if ((s->code == 429 || s->code >= 500) && s->retry_after_s > 0)
		return s->retry_after_s * 1000LL;
	if (s->code == 403)
		return REQUEST_SERVICE_ACCOUNT_MS;
	if (s->code == 409)
		return ++r->quota_races > REQUEST_QUOTA_RACES ? -1 : request_jitter(100);
	return request_backoff_ms(r);
}

static void request_unauthorized(struct request *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;

	/* Sent with what another call has renewed meanwhile: no verdict on the new ones. */
	if (r->generation != cluster_generation(r->client->cluster) && !r->renewed) {
		r->renewed = true;
		request_wake_at(r, REQUEST_ATTEMPT, 0);
		return;
	}
	cluster_explain_unauthorized(r->client->cluster, &why);
	r->result = error_set(&r->error, EACCES, "%s: %s", r->status.message, buf_str(&why));
	if (!request_renew(r))
		request_finish_soon(r, r->result);
}

static void request_rejected(struct request *r, curl_off_t retry_after_s)
{
	status_parse(&r->status, r->http, buf_str(&r->reply_body), r->reply_body.len);
	if (retry_after_s > 0)
		r->status.retry_after_s = retry_after_s < 86400 ? (int)retry_after_s : 86400;
	if (r->http == 401) {
		request_unauthorized(r);
		return;
	}
	int res = status_error(&r->status, &r->error);
	/* etcd may have taken the write that timed out, and a proxy may have passed it on. */
	if (r->http >= 500 && !status_retryable(&r->status))
		r->ambiguous = r->ambiguous || r->spec.method != REQUEST_GET;
	bool again = request_retry_in(r, request_rejected_delay_ms(r));
	r->failures++;
	if (!again)
		request_finish_soon(r, res);
}

/* No complete answer. */
static void request_failed(struct request *r, int res, bool ambiguous)
{
	bool again = false;

	r->ambiguous = r->ambiguous || ambiguous;
	/* This call alone may be slow: then another, or the probe, was answered meanwhile. */
	bool heard = r->doubted_ns && r->client->answered_ns >= r->doubted_ns;
	if (!r->http && (res == -EHOSTUNREACH || (res == -ETIMEDOUT && !heard)))
		client_note_unanswered(r->client, &r->error);
	if (res == -EPROTO && !r->http) {
		r->result = res;
		if (request_renew(r))
			return;
	} else if (res == -EHOSTUNREACH) {
		again = !r->was_away;
	} else if (res == -EIO) {
		again = !r->delivered && (r->spec.idempotent || !ambiguous);
	}
	again = again && request_retry_in(r, request_backoff_ms(r));
	r->failures++;
	if (!again)
		request_finish_soon(r, res);
}

/* Hands pending bytes over, after the news that the stream stands. 0 or what on_data said. */
static int request_call_reader(struct request *r)
{
	int res = 0;

	lock_assert_none();
	r->in_data = true;
	if (!r->opened && r->http >= 200 && r->http < 300) {
		r->opened = true;
		if (r->spec.on_open)
			r->spec.on_open(r->spec.data);
	}
	if (r->pending.len > 0 && !r->cancelled) {
		r->delivered = true;
		res = r->spec.on_data(r->spec.data, r->pending.data, r->pending.len);
	}
	r->in_data = false;
	buf_reset(&r->pending);
	return res;
}

/* False: the request is over, or even gone. */
static bool request_deliver(struct request *r)
{
	if (!r->spec.on_data)
		return true;
	int res = request_call_reader(r);
	if (r->cancelled) {
		request_free(r);
		return false;
	}
	if (res >= 0)
		return true;
	if (r->transfer.easy)
		request_attempt_end(r);
	error_set(&r->error, -res, "the reader has ended it: %s", strerror(-res));
	r->result = res;
	request_finish(r);
	return false;
}

static void request_fire_flush(struct loop_timer *t)
{
	request_deliver(container_of(t, struct request, flush));
}

static void request_fire_stall(struct loop_timer *t)
{
	struct request *r = container_of(t, struct request, stall);
	int64_t end_ns = r->last_byte_ns + r->spec.stall_ms * CLOCK_NS_PER_MS;

	if (end_ns > clock_monotonic_ns()) {
		loop_timer_set(r->client->loop, t, end_ns);
		return;
	}
	/* The socket may hold bytes that curl has not read yet, but not for this long. */
	bool ambiguous = false;
	request_attempt_error(r, CURLE_OPERATION_TIMEDOUT, &ambiguous, &r->error);
	request_attempt_end(r);
	if (r->http)
		error_set(&r->error, ETIMEDOUT, "%s: nothing more came for %lld s",
			  cluster_server(r->client->cluster), (long long)r->spec.stall_ms / 1000);
	request_failed(r, -ETIMEDOUT, ambiguous);
}

void request_attempt_done(struct loop_transfer *t, CURLcode code)
{
	struct request *r = container_of(t, struct request, transfer);
	curl_off_t retry_after_s = 0;
	bool ambiguous = false;
	int res = r->data_result;

	r->transferring = false;
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (code != CURLE_OK && res == 0)
		res = request_attempt_error(r, code, &ambiguous, &r->error);
	request_attempt_end(r);
	if (!request_deliver(r))
		return;
	if (code != CURLE_OK) {
		request_failed(r, res, ambiguous);
	} else if (r->http < 200 || r->http >= 300) {
		request_rejected(r, retry_after_s);
	} else {
		r->result = 0;
		r->error = (struct error)ERROR_INIT;
		request_finish(r);
	}
}

static void request_fire_doubt(struct loop_timer *t)
{
	struct request *r = container_of(t, struct request, doubt);

	r->doubted_ns = clock_monotonic_ns();
	client_probe(r->client);
}

static struct request *request_new(struct client *c, const struct request_spec *spec)
{
	struct request *r = calloc(1, sizeof(*r));

	assert(spec->deadline_ns || spec->on_data);
	if (!r)
		return NULL;
	r->client = c;
	r->spec = *spec;
	list_init(&r->node);
	loop_timer_init(&r->wake, request_fire_wake);
	loop_timer_init(&r->doubt, request_fire_doubt);
	loop_timer_init(&r->stall, request_fire_stall);
	loop_timer_init(&r->flush, request_fire_flush);
	r->path = strdup(spec->path);
	r->body = spec->body ? malloc(spec->body_len + 1) : NULL;
	if (!r->path || (spec->body && !r->body)) {
		request_free(r);
		return NULL;
	}
	if (spec->body)
		memcpy(r->body, spec->body, spec->body_len);
	r->spec.path = r->path;
	r->spec.body = r->body;
	return r;
}

static void request_begin(struct request *r)
{
	int64_t now_ns = clock_monotonic_ns();

	r->was_away = client_away(r->client, NULL);
	if (r->probe)
		r->doubted_ns = now_ns;
	else if (r->spec.deadline_ns)
		loop_timer_set(r->client->loop, &r->doubt,
			       now_ns + (r->spec.deadline_ns - now_ns) / 2);
	list_push_back(&r->client->requests, &r->node);
	request_attempt(r);
}

struct request *request_start(struct client *c, const struct request_spec *spec)
{
	struct request *r = request_new(c, spec);

	if (r)
		request_begin(r);
	return r;
}

struct request *request_start_probe(struct client *c, const struct request_spec *spec)
{
	struct request *r = request_new(c, spec);

	if (r) {
		r->probe = true;
		request_begin(r);
	}
	return r;
}

void request_cancel(struct request *r)
{
	if (r->finishing)
		return;
	if (r->in_data)
		r->cancelled = true;
	else
		request_free(r);
}
