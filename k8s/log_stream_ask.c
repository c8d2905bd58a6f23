/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open's question, "is all of it here?", while a FOLLOW runs: the newest lines alone are asked
 * for, and when the FOLLOW has come to the stamp of the last whole one it has brought all. To break
 * it off for a READ would cost a new connection each time, and the last second's lines twice. A
 * READ is what remains where that fails: the FOLLOW is silent though there is more (it has missed a
 * rotation), or what is newest is a piece of a very long line, which the FOLLOW knows by another
 * stamp.
 */
#include <errno.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/log_stream_private.h"
#include "k8s/request.h"

#define STAMP_MAX 48

static int parse_stamp(const char *line, int64_t *ret_ns)
{
	const char *blank = memchr(line, ' ', strnlen(line, STAMP_MAX));

	return blank ? rfc3339_parse(line, (size_t)(blank - line), ret_ns, NULL) : -EPROTO;
}

/* The stamp of the last line that has an end; 0: there is none. < 0: no line of a log. */
static int newest_stamp(const char *text, size_t len, int64_t *ret_ns)
{
	const char *end = memrchr(text, '\n', len);
	const char *before = end ? memrchr(text, '\n', (size_t)(end - text)) : NULL;
	int64_t unfinished_ns;

	*ret_ns = 0;
	if (len == 0)
		return 0;
	if (!end)
		return parse_stamp(text, &unfinished_ns);
	return parse_stamp(before ? before + 1 : text, ret_ns);
}

/* A READ, then: the timer finds that it does not go on. */
static void give_up(struct log_stream *s)
{
	s->ask_in_vain = true;
	log_stream_set_timer_in(s, 0);
}

static void ask_done(void *data, const struct reply *reply)
{
	struct log_stream *s = data;

	s->ask = NULL;
	if (s->stopped || s->over)
		return;
	if (reply->r < 0 || newest_stamp(reply->body, reply->len, &s->ask_stamp_ns) < 0) {
		give_up(s);
		return;
	}
	s->busy = true;
	s->ask_end_ns = clock_monotonic_ns() + log_stream_timing.ask_ms * CLOCK_NS_PER_MS;
	log_stream_ask_check(s);
	s->busy = false;
	log_stream_set_timer_in(s, 0); /* to wait for ask_end_ns, or to free it */
}

static bool ask(struct log_stream *s)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s&tailLines=2", s->base);
	if (buf_error(&path) < 0)
		return false;
	s->ask = request_start(s->client,
			       &(struct request_spec){
				       .method = REQUEST_GET,
				       .path = path.data,
				       .deadline_ns = clock_monotonic_ns() +
						      log_stream_timing.ask_ms * CLOCK_NS_PER_MS,
				       .on_done = ask_done,
				       .data = s,
			       });
	return s->ask;
}

bool log_stream_ask_goes_on(struct log_stream *s)
{
	struct log_stream_view v = log_stream_look(s);

	if (s->ask)
		return true;
	if (s->ask_end_ns && clock_monotonic_ns() >= s->ask_end_ns)
		s->ask_in_vain = true;
	if (s->ask_in_vain || v.terminated || v.gone)
		return false;
	return s->ask_end_ns || ask(s);
}

void log_stream_ask_check(struct log_stream *s)
{
	if (!s->ask_end_ns || s->reader.pos.last_ns < s->ask_stamp_ns)
		return;
	log_stream_ask_cancel(s);
	log_stream_tell_caught_up(s, 0, NULL);
}

void log_stream_ask_cancel(struct log_stream *s)
{
	if (s->ask)
		request_cancel(s->ask);
	s->ask = NULL;
	s->ask_stamp_ns = s->ask_end_ns = 0;
}
