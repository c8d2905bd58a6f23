/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log stream is a row of requests from one position (log_reader.c finds it again in each):
 *
 *	READ    not following: what the kubelet has now. Its end is caught_up(); where the container
 *	        was known to have ended before it began, and it brings nothing new, ended()
 *	FOLLOW  from where READ stood; a question meanwhile: log_stream_ask.c
 *	WAIT    the container does not exist yet, or the server is to be asked again later
 *
 * What the end of a request means comes from the cached pod alone: a clean EOF is a kubelet restart
 * as well as the end of the container, a 404 of kind pods/log is a kubelet that is starting, only
 * one of kind pods is final. Silence is suspicious too: a follow can miss a rotation and stay
 * silent for ever, so after data it is asked again, soon at first, and for the newest lines alone:
 * the last second before the silence may be very much, and has been read. For the same reason a
 * request that was cut before it came to the position is not repeated as it was: it asks for the
 * newest lines, for more and more of them until the position is among them.
 */
#include "k8s/log_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/log_reader.h"
#include "k8s/log_stream_private.h"
#include "k8s/loop.h"
#include "k8s/request.h"

struct log_stream_timing log_stream_timing = {
	.retry_ms = 100,
	.retry_max_ms = 2000,
	.denied_ms = 30000,
	.read_stall_ms = 5000,
	.ended_stall_ms = 1000,
	.ask_ms = 500,
	.guard_ms = { 2000, 10000, 20000, 40000, 60000 },
};

struct log_stream_view log_stream_look(struct log_stream *s)
{
	struct log_stream_view v = { 0 };

	v.id = s->ops->container(s->data, &v.terminated, &v.gone);
	if (!v.id)
		v.id = "";
	return v;
}

void log_stream_set_timer_in(struct log_stream *s, int64_t ms)
{
	loop_timer_set(s->loop, &s->timer, clock_monotonic_ns() + ms * CLOCK_NS_PER_MS);
}

static void free_stream(struct log_stream *s)
{
	loop_timer_cancel(&s->timer);
	log_stream_ask_cancel(s);
	log_reader_done(&s->reader);
	free(s->base);
	free(s);
}

void log_stream_tell_caught_up(struct log_stream *s, int r, const struct error *e)
{
	if (!s->asked || s->stopped || s->over)
		return;
	s->asked = false;
	s->ops->caught_up(s->data, r, e);
}

void log_stream_finish(struct log_stream *s, bool complete)
{
	int r = s->stopped || s->over ? -ECANCELED : log_reader_finish(&s->reader, &s->why);

	if (r < 0 && r != -ENOMEM)
		s->over = true; /* the owner knows: it is its own error */
	log_stream_tell_caught_up(s, 0, NULL);
	if (s->stopped || s->over)
		return;
	s->over = true;
	s->complete = complete;
	loop_timer_cancel(&s->timer);
	s->ops->ended(s->data);
}

static void drop_request(struct log_stream *s)
{
	if (s->request)
		request_cancel(s->request);
	s->request = NULL;
	s->mode = LOG_STREAM_WAIT;
}

/* A new line has come, or bytes of those before it: patience begins anew. */
static void note_progress(struct log_stream *s, bool new_lines)
{
	if (new_lines || s->mode == LOG_STREAM_READ || !s->reader.anchored)
		s->last_new_ns = clock_monotonic_ns();
	if (!new_lines)
		return;
	s->failures = 0;
	s->silences = 0;
	s->eof = false;
	s->all = false;
	s->tail = 0;
	s->ask_in_vain = false;
}

static int on_data(void *data, const char *bytes, size_t len)
{
	struct log_stream *s = data;
	uint64_t before = s->reader.fresh;

	if (s->stopped || s->over)
		return -ECANCELED;
	s->busy = true;
	int r = log_reader_feed(&s->reader, bytes, len, &s->why);
	note_progress(s, s->reader.fresh > before || s->reader.passing);
	log_stream_ask_check(s);
	s->busy = false;
	if (r == -EAGAIN && s->reader.brief)
		return r;
	if (r < 0 && r != -ENOMEM)
		s->over = true; /* the owner's spool has failed: it has said so itself */
	return s->stopped || s->over ? -ECANCELED : r;
}

/* When the request that runs has been silent for too long. */
static int64_t patience_end_ns(struct log_stream *s)
{
	const struct log_stream_timing *t = &log_stream_timing;
	struct log_stream_view v = log_stream_look(s);

	if (!v.terminated && !v.gone)
		s->ended_ns = 0;
	else if (!s->ended_ns)
		s->ended_ns = clock_monotonic_ns();
	if (s->mode == LOG_STREAM_READ)
		return s->last_new_ns + t->read_stall_ms * CLOCK_NS_PER_MS;
	if (!s->ended_ns)
		return s->last_new_ns + t->guard_ms[s->silences] * CLOCK_NS_PER_MS;
	/* The silence before the end says nothing. */
	int64_t since_ns = s->ended_ns > s->last_new_ns ? s->ended_ns : s->last_new_ns;
	return since_ns + t->ended_stall_ms * CLOCK_NS_PER_MS;
}

static void set_patience(struct log_stream *s)
{
	int64_t end_ns = patience_end_ns(s);

	if (s->ask_end_ns && s->ask_end_ns < end_ns)
		end_ns = s->ask_end_ns;
	loop_timer_set(s->loop, &s->timer, end_ns);
}

static void on_done(void *data, const struct reply *reply)
{
	struct log_stream *s = data;
	enum log_stream_mode mode = s->mode;

	s->request = NULL;
	s->mode = LOG_STREAM_WAIT;
	s->busy = true;
	if (s->stopped || s->over)
		loop_timer_cancel(&s->timer);
	else
		log_stream_end_request(s, mode, reply);
	s->busy = false;
	if (s->stopped)
		free_stream(s);
}

/* The position belongs to one container: another one is read from its start. */
static void adopt(struct log_stream *s, const char *id)
{
	struct log_position *pos = &s->reader.pos;
	size_t len = strnlen(id, sizeof(pos->container_id) - 1);

	if (len == 0 || strncmp(pos->container_id, id, sizeof(pos->container_id) - 1) == 0)
		return;
	if (*pos->container_id)
		*pos = (struct log_position){ 0 };
	memcpy(pos->container_id, id, len);
	pos->container_id[len] = '\0';
}

static void start_request(struct log_stream *s, const struct log_stream_view *v)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	char since[RFC3339_SECONDS_LEN + 1];

	s->mode = s->read_next ? LOG_STREAM_READ : LOG_STREAM_FOLLOW;
	s->read_next = false;
	s->read_answers = s->mode == LOG_STREAM_READ && s->asked;
	if (s->mode == LOG_STREAM_READ)
		log_stream_ask_cancel(s);
	s->final = s->mode == LOG_STREAM_READ && (v->terminated || v->gone);
	adopt(s, v->id);
	log_reader_begin(&s->reader);
	buf_printf(&path, "%s%s", s->base, s->mode == LOG_STREAM_FOLLOW ? "&follow=true" : "");
	if (s->reader.pos.last_ns > 0) { /* the server cuts it to the second anyway */
		rfc3339_format(s->reader.pos.last_ns / CLOCK_NS_PER_S, since);
		buf_add_str(&path, "&sinceTime=");
		buf_add_urlencoded(&path, since, strlen(since));
		s->reader.brief =
			s->tail || (s->mode == LOG_STREAM_FOLLOW && s->silences > 0 && !s->all);
	}
	if (s->reader.brief)
		buf_printf(&path, "&tailLines=%u",
			   s->reader.pos.same + (s->tail ? s->tail : LOG_STREAM_BRIEF_LINES));
	s->last_new_ns = clock_monotonic_ns();
	struct request_spec spec = { .method = REQUEST_GET,
				     .path = path.data,
				     .idempotent = true,
				     .on_data = on_data,
				     .on_done = on_done,
				     .data = s };
	if (buf_error(&path) == 0)
		s->request = request_start(s->client, &spec);
	if (s->request) {
		set_patience(s);
		return;
	}
	s->read_next = s->mode == LOG_STREAM_READ;
	s->mode = LOG_STREAM_WAIT;
	log_stream_end_retry(s);
}

/* The timer of a stream that waits: is there something to ask, and somebody to answer? */
static void try_request(struct log_stream *s)
{
	struct log_stream_view v = log_stream_look(s);
	struct error e = ERROR_INIT;

	if (!*v.id && v.gone) {
		log_stream_finish(s, true);
		return;
	}
	if (!*v.id && !v.terminated) {
		/* without a container the server says nothing, or 400: the cache is enough */
		log_stream_tell_caught_up(s, 0, NULL);
		s->read_next = true;
		log_stream_set_timer_in(s, log_stream_timing.retry_max_ms);
		return;
	}
	if (client_away(s->client, &e)) {
		log_stream_tell_caught_up(s, -e.code, &e);
		s->read_next = true;
		log_stream_set_timer_in(s, log_stream_timing.retry_max_ms / 4);
		return;
	}
	start_request(s, &v);
}

/* The request that runs has been silent for too long. */
static void lose_patience(struct log_stream *s)
{
	struct error e = ERROR_INIT;
	bool was_read = s->mode == LOG_STREAM_READ;
	struct log_stream_view v = log_stream_look(s);

	drop_request(s);
	if (was_read)
		log_stream_end_cut(s);
	/* A follow that gives nothing for so long after the end has given all. */
	if (!was_read && v.terminated)
		s->eof = true;
	if (was_read) {
		error_set(&e, ETIMEDOUT, "the node's answer to a read of the log has stopped");
		log_stream_tell_caught_up(s, -ETIMEDOUT, &e);
	}
	if (!v.terminated && !v.gone && s->silences + 1 < ARRAY_SIZE(log_stream_timing.guard_ms))
		s->silences++;
	s->read_next = was_read || v.terminated || v.gone || s->asked;
	log_stream_set_timer_in(s, 0);
}

static void fire(struct loop_timer *t)
{
	struct log_stream *s = container_of(t, struct log_stream, timer);

	s->busy = true;
	if (s->stopped || s->over)
		drop_request(s);
	else if (s->request && s->asked && s->mode == LOG_STREAM_FOLLOW &&
		 !log_stream_ask_goes_on(s)) {
		drop_request(s); /* the question: READ from here, then FOLLOW again */
		s->read_next = true;
		try_request(s);
	} else if (!s->request)
		try_request(s);
	else if (clock_monotonic_ns() >= patience_end_ns(s))
		lose_patience(s);
	else
		set_patience(s);
	s->busy = false;
	if (s->stopped)
		free_stream(s);
}

static int give_lines(void *data, const char *bytes, size_t len, const struct log_position *pos)
{
	struct log_stream *s = data;

	return s->stopped ? -ECANCELED : s->ops->lines(s->data, bytes, len, pos);
}

static void give_gap(void *data, int64_t from_ns, int64_t to_ns)
{
	struct log_stream *s = data;

	if (!s->stopped)
		s->ops->gap(s->data, from_ns, to_ns);
}

int log_stream_start(const struct log_stream_spec *spec, struct log_stream **ret, struct error *e)
{
	struct log_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(e);
	s->client = spec->client;
	s->loop = client_loop(spec->client);
	s->ops = spec->ops;
	s->data = spec->data;
	s->asked = s->read_next = true;
	loop_timer_init(&s->timer, fire);
	log_reader_init(&s->reader, &spec->from);
	s->reader.lines = give_lines;
	s->reader.gap = give_gap;
	s->reader.data = s;

	struct buf base = BUF_INIT;
	buf_printf(&base, "/api/v1/namespaces/%s/pods/%s/log?container=", spec->namespace_,
		   spec->pod);
	buf_add_urlencoded(&base, spec->container, strlen(spec->container));
	buf_add_str(&base, "&timestamps=true");
	s->base = buf_steal(&base);
	if (!s->base) {
		free_stream(s);
		return error_oom(e);
	}
	log_stream_set_timer_in(s, 0);
	*ret = s;
	return 0;
}

void log_stream_stop(struct log_stream *s)
{
	s->stopped = true;
	if (s->busy) {
		log_stream_set_timer_in(s,
					0); /* frees it, unless the request's end does so first */
		return;
	}
	drop_request(s);
	free_stream(s);
}

void log_stream_refresh(struct log_stream *s)
{
	if (s->over)
		return;
	s->asked = true;
	if (s->mode != LOG_STREAM_READ)
		log_stream_set_timer_in(s, 0);
}

bool log_stream_complete(const struct log_stream *s)
{
	return s->complete;
}

void log_stream_poke(struct log_stream *s)
{
	if (s->over)
		return;
	if (s->mode == LOG_STREAM_WAIT)
		log_stream_set_timer_in(s, 0);
	else
		set_patience(s);
}
