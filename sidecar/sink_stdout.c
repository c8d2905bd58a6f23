/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket of one second's bytes. Ordinary lines stop at a quarter of it; critical ones and the
 * sidecar's own may empty it. Lines wait in memory until the flush, so there is one write a turn.
 */
#include "sidecar/sink_stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/clock.h"
#include "sidecar/encode.h"
#include "sidecar/event.h"

#define WAITING_MAX (256 << 10) /* bytes that wait for a pipe that is full */
#define TYPES (EVENT_TYPE_COUNT + 1)

enum reason { BUDGET, BLOCKED, REASONS };

struct left_out {
	uint64_t count, told;
	int64_t first_ns, last_ns; /* of those that have not been told */
};

struct sink_stdout {
	int fd;
	int64_t rate, tokens; /* bytes; rate 0: closed */
	int64_t filled_ns;    /* monotonic; 0: not yet */
	int64_t told_ns;
	struct buf waiting;
	struct left_out left[REASONS][TYPES];
};

struct sink_stdout *sink_stdout_new(int fd, int64_t bytes_per_s)
{
	struct sink_stdout *s = calloc(1, sizeof(*s));
	int flags = fcntl(fd, F_GETFL);

	if (!s)
		return NULL;
	s->fd = fd;
	s->rate = s->tokens = bytes_per_s;
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return s;
}

void sink_stdout_free(struct sink_stdout *s)
{
	if (!s)
		return;
	buf_done(&s->waiting);
	free(s);
}

static void leave_out(struct sink_stdout *s, enum reason reason, unsigned type, int64_t when_ns)
{
	struct left_out *l = &s->left[reason][type < EVENT_TYPE_COUNT ? type : EVENT_TYPE_COUNT];

	if (l->count == l->told)
		l->first_ns = when_ns;
	l->last_ns = when_ns;
	l->count++;
}

void sink_stdout_put(struct sink_stdout *s, const char *line, size_t len, unsigned type,
		     bool critical, int64_t timestamp_ns)
{
	int64_t keep = critical || type >= EVENT_TYPE_COUNT ? 0 : s->rate / 4;

	if (s->rate == 0)
		return;
	if (s->tokens - (int64_t)len < keep) {
		leave_out(s, BUDGET, type, timestamp_ns);
		return;
	}
	if (s->waiting.len + len > WAITING_MAX) {
		leave_out(s, BLOCKED, type, timestamp_ns);
		return;
	}
	s->tokens -= (int64_t)len;
	buf_add(&s->waiting, line, len);
}

static void write_waiting(struct sink_stdout *s)
{
	while (s->waiting.len > 0) {
		ssize_t n = write(s->fd, s->waiting.data, s->waiting.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* full, or nobody reads: what comes then is counted */
		buf_drop_front(&s->waiting, (size_t)n);
	}
	s->waiting.failed = false;
}

static const char *type_name(unsigned type)
{
	return type < EVENT_TYPE_COUNT ? encode_type_name(type) : "audit";
}

/* The telling costs no budget, but it is one line a second, a kind and a reason. */
static void tell(struct sink_stdout *s, const struct encoder *c)
{
	static const char *const reasons[REASONS] = { "budget", "blocked" };
	struct line l;

	for (unsigned i = 0; i < REASONS * TYPES; i++) {
		unsigned reason = i / TYPES, type = i % TYPES;
		struct left_out *x = &s->left[reason][type];

		if (x->count == x->told || s->waiting.len > WAITING_MAX)
			continue;
		encode_begin(c, &l, "audit_lost", clock_realtime_ns());
		line_key(&l, "stage");
		line_text(&l, "\"stdout\"");
		line_key(&l, "reason");
		line_string(&l, reasons[reason], strlen(reasons[reason]), 16);
		line_key(&l, "kind");
		line_string(&l, type_name(type), strlen(type_name(type)), 32);
		line_key_unsigned(&l, "count", x->count - x->told);
		line_key_signed(&l, "first_ts", x->first_ns);
		line_key_signed(&l, "last_ts", x->last_ns);
		encode_end(&l);
		buf_add(&s->waiting, l.bytes, l.len);
		x->told = x->count;
	}
}

void sink_stdout_flush(struct sink_stdout *s, const struct encoder *c, int64_t now_ns)
{
	if (s->rate == 0)
		return;
	if (s->filled_ns) {
		int64_t ms = (now_ns - s->filled_ns) / CLOCK_NS_PER_MS;

		s->tokens += ms > 1000 ? s->rate : s->rate * ms / 1000;
		if (s->tokens > s->rate)
			s->tokens = s->rate;
		s->filled_ns += ms * CLOCK_NS_PER_MS;
	} else {
		s->filled_ns = now_ns;
	}
	write_waiting(s);
	if (now_ns - s->told_ns < CLOCK_NS_PER_S)
		return;
	s->told_ns = now_ns;
	tell(s, c);
	write_waiting(s);
}

void sink_stdout_drain(struct sink_stdout *s, const struct encoder *c, int timeout_ms)
{
	int64_t end_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;

	if (s->rate == 0)
		return;
	tell(s, c);
	for (write_waiting(s); s->waiting.len > 0; write_waiting(s)) {
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };
		int64_t left_ms = (end_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS;

		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0 || !(p.revents & POLLOUT))
			return;
	}
}

void sink_stdout_left_out(const struct sink_stdout *s, uint64_t *ret_budget, uint64_t *ret_blocked)
{
	*ret_budget = *ret_blocked = 0;
	for (unsigned type = 0; type < TYPES; type++) {
		*ret_budget += s->left[BUDGET][type].count;
		*ret_blocked += s->left[BLOCKED][type].count;
	}
}
