/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of a log request means, and what the stream does next. */
#include <errno.h>
#include <string.h>

#include "k8s/log_stream_private.h"
#include "k8s/request.h"

#define TAIL_LINES_MAX (1u << 20)

void log_stream_end_retry(struct log_stream *s)
{
	const struct log_stream_timing *t = &log_stream_timing;
	int64_t ms = t->retry_ms;

	for (unsigned i = 0; i < s->failures && ms < t->retry_max_ms; i++)
		ms *= 2;
	s->failures++;
	log_stream_set_timer_in(s, ms < t->retry_max_ms ? ms : t->retry_max_ms);
}

/* Among lines that were read before: the same request again might break off there for ever. */
void log_stream_end_cut(struct log_stream *s)
{
	if (s->reader.anchored || s->reader.stale == 0)
		return;
	s->tail = s->tail ? s->tail - s->tail / 4 : LOG_STREAM_BRIEF_LINES;
}

/* Nothing can be read yet; that is an answer too. */
static bool is_waiting(const struct reply *reply)
{
	return reply->http == 400 && reply->status &&
	       strstr(reply->status->message, "is waiting to start");
}

static bool is_pod_gone(const struct reply *reply)
{
	return reply->http == 404 && reply->status && strcmp(reply->status->kind, "pods") == 0;
}

/* An end that is no answer: later again, at a pace that fits the reason. */
static void conclude_failure(struct log_stream *s, const struct reply *reply)
{
	struct log_stream_view v = log_stream_look(s);

	if (is_pod_gone(reply)) {
		log_stream_finish(s, s->eof || !*v.id);
		return;
	}
	if (is_waiting(reply) || !*v.id)
		log_stream_tell_caught_up(s, 0, NULL);
	else
		log_stream_tell_caught_up(s, reply->r, &reply->error);
	s->read_next = true;
	if (reply->http >= 200 && reply->http < 300)
		log_stream_end_cut(s);
	if (reply->http >= 500)
		s->eof = false; /* the kubelet restarts: it was no end */
	if (v.gone)
		log_stream_finish(s, s->eof || !*v.id);
	else if (reply->http == 401 || reply->http == 403)
		log_stream_set_timer_in(s, log_stream_timing.denied_ms);
	else
		log_stream_end_retry(s);
}

static void conclude_read(struct log_stream *s)
{
	struct error e = ERROR_INIT;
	bool brought = s->reader.fresh > 0, answers = s->read_answers;
	struct log_stream_view v = log_stream_look(s);

	s->tail = 0;
	if (s->reader.note[0] && !brought && !s->final) {
		error_set(&e, EIO, "the node says: %s", s->reader.note);
		log_stream_tell_caught_up(s, -EIO, &e);
		s->read_next = true;
		log_stream_end_retry(s);
		return;
	}
	if (s->final && !brought) {
		log_stream_finish(s, !s->reader.note[0] || s->eof);
		return;
	}
	if (answers)
		log_stream_tell_caught_up(s, 0, NULL);
	/* an ended container is read until nothing comes; a later question needs a later read */
	s->read_next = v.terminated || v.gone || s->asked;
	log_stream_set_timer_in(s, 0);
}

static void conclude_follow(struct log_stream *s)
{
	struct log_stream_view v = log_stream_look(s);

	s->eof = true;
	s->tail = 0;
	s->read_next = s->asked;
	if (v.terminated || v.gone) {
		s->read_next = true;
		log_stream_set_timer_in(s, 0);
		return;
	}
	/* the kubelet has restarted, or the cache lags behind the container's end */
	log_stream_end_retry(s);
}

/* More came than was asked for, the position is gone, or a very long line began in its middle. */
static void conclude_brief(struct log_stream *s, enum log_stream_mode mode)
{
	s->tail = s->tail < TAIL_LINES_MAX ? 2 * s->tail : 0;
	s->all = s->tail == 0;
	s->read_next = mode == LOG_STREAM_READ;
	log_stream_set_timer_in(s, 0);
}

void log_stream_end_request(struct log_stream *s, enum log_stream_mode mode,
			    const struct reply *reply)
{
	if (reply->r == -EAGAIN && s->reader.brief)
		conclude_brief(s, mode);
	else if (reply->r < 0)
		conclude_failure(s, reply);
	else if (mode == LOG_STREAM_READ)
		conclude_read(s);
	else
		conclude_follow(s);
}
