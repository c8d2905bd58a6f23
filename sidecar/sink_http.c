/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread: gather a batch, say where it begins and ends, send it until it is settled, say that.
 */
#include "sidecar/sink_http.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/buffer_reader.h"
#include "sidecar/http_batch.h"
#include "sidecar/http_client.h"
#include "sidecar/http_place.h"
#include "sidecar/http_secret.h"
#include "sidecar/stats.h"

#define ENDPOINT "/internal/weaver-audit/events"
#define EVENTS_MAX 1000
#define BYTES_MAX (512 << 10)
#define BACKOFF_MAX_MS 60000
#define DRAIN_BACKOFF_MAX_MS 100 /* while stopping, whatever the server asks for */

struct sink_http {
	struct sink_http_options o;
	pthread_t thread;
	int stop_fd;    /* readable: no pauses any more */
	int cancel_fd;  /* a timer, set when stopping: give up */
	int64_t end_ns; /* atomic; monotonic: when that is; 0: not stopping */
	bool drained;   /* after the thread: it has sent all that there was */
	/* The thread's own. */
	struct http_client *client;
	struct buffer_reader *reader; /* NULL: the buffer is not there yet */
	struct http_place place;
	struct http_batch batch;
	uint32_t events_max;
	bool strict; /* the server wants Loom's own kinds alone */
	int backoff_ms;
	uint64_t next_record; /* lines of the stream that are settled */
};

/* ---- what is told ---- */

static void say_unsent(struct sink_http *s)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	st->unsent =
		st->buffer.end_record > s->next_record ? st->buffer.end_record - s->next_record : 0;
}

static void say_lost(struct sink_http *s, enum stats_drop drop, uint64_t count)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	st->dropped[drop] += count;
	st->unsendable[drop] += count;
}

static void say_trouble(struct sink_http *s, const char *text)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	STATS_SAY(st->server, text);
}

static void say_settled(struct sink_http *s, uint64_t accepted, uint64_t rejected)
{
	struct stats *st = s->o.stats;

	if (rejected)
		say_lost(s, STATS_DROP_REJECTED, rejected);
	lock_guard(&st->lock);
	st->sent += accepted;
	if (accepted) {
		st->batches_sent++;
		st->last_success_ns = clock_realtime_ns();
		st->server[0] = '\0';
	} else {
		st->batches_rejected++;
	}
}

static void say_retry(struct sink_http *s, enum stats_retry reason)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	st->batches_failed++;
	st->retries[reason]++;
}

static void say_request(struct sink_http *s, int status, int64_t took_ns)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	stats_count_code(st, status);
	stats_observe(&st->http_seconds, stats_seconds_bounds, (double)took_ns / CLOCK_NS_PER_S);
	stats_observe(&st->batch_events, stats_batch_events_bounds, s->batch.count);
	stats_observe(&st->batch_bytes, stats_batch_bytes_bounds, (double)s->batch.body.len);
}

/* ---- sending ---- */

static bool is_stopping(struct sink_http *s)
{
	return __atomic_load_n(&s->end_ns, __ATOMIC_ACQUIRE) != 0;
}

static bool has_time(struct sink_http *s)
{
	return !is_stopping(s) || clock_monotonic_ns() < s->end_ns;
}

/* Until stopping begins, or then until its end at most. */
static void pause_ms(struct sink_http *s, int ms)
{
	struct pollfd p = { .fd = is_stopping(s) ? s->cancel_fd : s->stop_fd, .events = POLLIN };

	poll(&p, 1, ms);
}

/* Not all sidecars of a node at the same moment. */
static void pause_before_retry(struct sink_http *s, int ms)
{
	if (is_stopping(s) && ms > DRAIN_BACKOFF_MAX_MS)
		ms = DRAIN_BACKOFF_MAX_MS;
	pause_ms(s, ms / 2 + (int)(random() % (ms / 2 + 1)));
}

static int post_once(struct sink_http *s, struct http_client_reply *ret, struct error *e)
{
	_cleanup_(buf_wipe) struct buf headers = BUF_INIT;
	char ca[4096];

	*ret = (struct http_client_reply){ 0 };
	buf_printf(&headers,
		   "Content-Type: application/json\r\n"
		   "Idempotency-Key: %s-%" PRIu64 "-%" PRIu64 "\r\n",
		   s->o.weaver_id, s->batch.from, s->batch.to);
	int r = http_secret_token(s->o.token_path, &headers, e);
	if (r < 0)
		return r;
	if (buf_error(&headers))
		return error_oom(e);
	struct http_client_request q = {
		.path = ENDPOINT,
		.headers = headers.data,
		.body = s->batch.body.data,
		.len = s->batch.body.len,
		.ca_path = http_secret_ca(s->o.ca_path, ca, sizeof(ca)) ? ca : NULL,
		.timeout_ms = s->o.timeout_ms,
	};
	int64_t begun_ns = clock_monotonic_ns();
	r = http_client_post(s->client, &q, ret, e);
	if (r != -ECANCELED)
		say_request(s, r < 0 ? 0 : ret->status, clock_monotonic_ns() - begun_ns);
	return r;
}

static enum stats_retry retry_reason(int r, int status)
{
	if (r == -ETIMEDOUT)
		return STATS_RETRY_TIMEOUT;
	if (r == -EPROTO || r == -EKEYREJECTED)
		return STATS_RETRY_PROTOCOL;
	if (r < 0)
		return STATS_RETRY_CONNECT;
	if (status == 401 || status == 403)
		return STATS_RETRY_UNAUTHORIZED;
	if (status == 429 || status == 408)
		return STATS_RETRY_THROTTLED;
	return status == 413 ? STATS_RETRY_TOO_LARGE : STATS_RETRY_SERVER;
}

static void describe(struct sink_http *s, int status, struct error *e)
{
	const char *hint = status == 401 || status == 403 ? ": the token is not good there" : "";

	error_set(e, EREMOTEIO, "%s" ENDPOINT " answers %d%s%s%s", s->o.url, status, hint,
		  status == 401 && !*s->o.token_path ? ""
		  : status == 401                    ? " "
						     : "",
		  status == 401 ? s->o.token_path : "");
}

/* Builds the body anew and sends it once. Returns the status, or -errno. */
static int attempt(struct sink_http *s, struct http_client_reply *reply, struct error *e)
{
	int r = http_batch_build(&s->batch, s->o.weaver_id, s->o.org_id, s->strict, e);

	if (r < 0)
		return r;
	if (s->batch.count == 0) /* nothing in it that this server wants */
		return 204;
	r = post_once(s, reply, e);
	return r < 0 ? r : reply->status;
}

static void settle(struct sink_http *s, uint64_t rejected)
{
	uint64_t all = s->batch.lines_count;
	uint64_t left_out = all - s->batch.count;

	if (rejected > s->batch.count)
		rejected = s->batch.count;
	say_settled(s, s->batch.count - rejected, rejected + left_out);
	s->next_record = s->batch.records + all;
	s->backoff_ms = s->o.backoff_ms;
	http_place_save(&s->place, s->batch.to, s->batch.to, s->next_record);
	say_unsent(s);
}

/* Whether the batch is settled; else it is to be sent again after *ret_wait_ms. */
static bool try_batch(struct sink_http *s, int *ret_wait_ms)
{
	struct http_client_reply reply = { 0 };
	struct error e = ERROR_INIT;
	int status = attempt(s, &reply, &e);
	uint64_t rejected = http_batch_rejected(buf_str(&reply.body));
	int retry_after_s = reply.retry_after_s;

	buf_done(&reply.body);
	if (status >= 200 && status < 300) {
		settle(s, rejected);
		return true;
	}
	if ((status == 400 || status == 422) && !s->strict) {
		s->strict = true;
		*ret_wait_ms = 0;
		return false;
	}
	if (status == -ECANCELED) /* there is no more time; what there was to say has been said */
		return false;
	if (status > 0)
		describe(s, status, &e);
	say_trouble(s, e.text);
	if (status == 400 || status == 422) {
		settle(s, s->batch.count);
		say_trouble(s, e.text);
		s->strict = false; /* it was not for that */
		return true;
	}
	say_retry(s, retry_reason(status, status));
	if (status == 413 && s->batch.lines_count > 1) {
		s->events_max = s->batch.lines_count / 2;
		http_batch_cut(&s->batch, s->events_max);
		buffer_reader_seek(s->reader, s->batch.to);
		http_place_save(&s->place, s->batch.from, s->batch.to, s->next_record);
		*ret_wait_ms = 0;
		return false;
	}
	*ret_wait_ms = retry_after_s ? retry_after_s * 1000 : s->backoff_ms;
	s->backoff_ms = s->backoff_ms * 2 < BACKOFF_MAX_MS ? s->backoff_ms * 2 : BACKOFF_MAX_MS;
	return false;
}

/* ---- gathering ---- */

static void overtaken(struct sink_http *s)
{
	uint64_t place;
	struct buffer_chunk chunk;

	if (buffer_reader_skip(s->reader, &place, NULL) < 0)
		return;
	/* The chunk there knows how many lines stand before it. */
	if (buffer_reader_next(s->reader, &chunk, NULL) > 0 && chunk.records > s->next_record) {
		say_lost(s, STATS_DROP_OVERTAKEN, chunk.records - s->next_record);
		s->next_record = chunk.records;
	}
	buffer_reader_seek(s->reader, place);
	http_place_save(&s->place, place, place, s->next_record);
}

/* Lines up to the limits, or up to `to` where a batch from before a kill is gathered again. */
static void gather(struct sink_http *s, uint64_t to)
{
	struct buffer_chunk chunk;
	struct error e = ERROR_INIT;

	http_batch_reset(&s->batch, buffer_reader_place(s->reader));
	while (s->batch.lines_count < s->events_max && s->batch.lines.len < BYTES_MAX) {
		if (to && s->batch.to >= to)
			return;
		int r = buffer_reader_next(s->reader, &chunk, &e);
		if (r == -ESTALE && s->batch.lines_count == 0) {
			overtaken(s);
			http_batch_reset(&s->batch, buffer_reader_place(s->reader));
			to = 0;
			continue;
		}
		if (r < 0 && r != -ESTALE)
			say_trouble(s, e.text);
		if (r <= 0)
			return;
		if (s->batch.lines_count == 0)
			s->batch.records = chunk.records;
		size_t most = to && to - chunk.offset < chunk.len ? (size_t)(to - chunk.offset)
								  : chunk.len;
		http_batch_add(&s->batch, chunk.lines, most, s->events_max);
		if (s->batch.to < chunk.offset + chunk.len)
			buffer_reader_seek(s->reader, s->batch.to);
	}
}

static bool ready(struct sink_http *s)
{
	if (s->reader)
		return true;
	if (http_place_load(&s->place, s->o.buffer))
		s->next_record = s->place.records;
	return buffer_reader_open(s->o.buffer, s->place.from, &s->reader, NULL) == 0;
}

/* One batch, or a pause. */
static void turn(struct sink_http *s)
{
	int wait_ms = 0;

	if (!ready(s)) {
		pause_ms(s, s->o.interval_ms);
		return;
	}
	gather(s, s->place.to > s->place.from ? s->place.to : 0);
	if (s->batch.lines_count == 0) {
		say_unsent(s);
		if (!is_stopping(s))
			pause_ms(s, s->o.interval_ms);
		return;
	}
	bool full = s->batch.lines_count >= s->events_max || s->batch.lines.len >= BYTES_MAX;
	http_place_save(&s->place, s->batch.from, s->batch.to, s->next_record);
	while (!try_batch(s, &wait_ms)) {
		if (wait_ms > 0)
			pause_before_retry(s, wait_ms);
		if (!has_time(s))
			return;
	}
	if (!full && !is_stopping(s))
		pause_ms(s, s->o.interval_ms);
}

static bool all_sent(struct sink_http *s)
{
	struct stats *st = s->o.stats;

	lock_guard(&st->lock);
	return s->next_record >= st->buffer.end_record;
}

/* What the buffer holds, as long as there is time. */
static void send_rest(struct sink_http *s)
{
	while (ready(s) && !all_sent(s) && has_time(s)) {
		uint64_t before = s->next_record;
		turn(s);
		if (s->next_record == before)
			break;
	}
}

static void *run(void *arg)
{
	struct sink_http *s = arg;

	while (!is_stopping(s))
		turn(s);
	send_rest(s);
	return NULL;
}

/* ---- life ---- */

static void release(struct sink_http *s)
{
	http_client_free(s->client);
	buffer_reader_close(s->reader);
	http_batch_done(&s->batch);
	http_place_done(&s->place);
	cleanup_close(&s->stop_fd);
	cleanup_close(&s->cancel_fd);
	free(s);
}

static int check_url(const struct sink_http_options *o, struct error *e)
{
	if (strncmp(o->url, "http://", 7) == 0 && !o->allow_insecure)
		return error_set(
			e, EINVAL,
			"LOOM_SERVER_URL=%s: records would be sent in the clear; use https, "
			"or set LOOM_AUDIT_ALLOW_INSECURE_HTTP=1",
			o->url);
	return 0;
}

int sink_http_start(const struct sink_http_options *options, struct sink_http **ret,
		    struct error *e)
{
	int r = check_url(options, e);
	struct sink_http *s = r < 0 ? NULL : calloc(1, sizeof(*s));

	if (!s)
		return r < 0 ? r : error_oom(e);
	s->o = *options;
	s->o.interval_ms = s->o.interval_ms ? s->o.interval_ms : 1000;
	s->o.timeout_ms = s->o.timeout_ms ? s->o.timeout_ms : 30000;
	s->o.backoff_ms = s->o.backoff_ms ? s->o.backoff_ms : 500;
	s->backoff_ms = s->o.backoff_ms;
	s->events_max = EVENTS_MAX;
	s->place.fd = s->cancel_fd = -1;
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->cancel_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (s->stop_fd < 0 || s->cancel_fd < 0)
		r = error_set(e, errno, "eventfd, timerfd: %s", strerror(errno));
	if (r == 0)
		r = http_client_new(s->o.url, s->cancel_fd, &s->client, e);
	if (r < 0) {
		error_wrap(e, r, "LOOM_SERVER_URL");
	} else {
		int code = pthread_create(&s->thread, NULL, run, s);
		if (code)
			r = error_set(e, code, "thread: %s", strerror(code));
	}
	if (r < 0) {
		release(s);
		return r;
	}
	pthread_setname_np(s->thread, "sink");
	{
		lock_guard(&s->o.stats->lock);
		s->o.stats->has_server = true;
	}
	*ret = s;
	return 0;
}

static void set_deadline(struct sink_http *s, int timeout_ms)
{
	int64_t end_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
	struct itimerspec at = { .it_value = { end_ns / CLOCK_NS_PER_S, end_ns % CLOCK_NS_PER_S } };
	uint64_t one = 1;

	timerfd_settime(s->cancel_fd, TFD_TIMER_ABSTIME, &at, NULL);
	__atomic_store_n(&s->end_ns, end_ns, __ATOMIC_RELEASE);
	while (write(s->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void sink_http_drain(struct sink_http *s, int timeout_ms)
{
	if (!s)
		return;
	set_deadline(s, timeout_ms);
	pthread_join(s->thread, NULL);
	say_unsent(s);
	struct stats *st = s->o.stats;
	lock_guard(&st->lock);
	st->dropped[STATS_DROP_SHUTDOWN] += st->unsent;
	st->unsendable[STATS_DROP_SHUTDOWN] += st->unsent;
	s->drained = st->unsent == 0;
}

void sink_http_stop(struct sink_http *s)
{
	if (!s)
		return;
	if (!is_stopping(s))
		sink_http_drain(s, 0);
	if (s->drained) /* else it would have what it has been told it will not */
		send_rest(s);
	say_unsent(s);
	release(s);
}
