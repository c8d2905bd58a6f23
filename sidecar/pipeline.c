/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines gather in `pending` and become one frame of the buffer a turn, or sooner when they are
 * many. While the disk takes nothing they wait there, up to a bound, beyond which they are counted
 * by kind and let go: stdout has had them.
 */
#include "sidecar/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "sidecar/buffer.h"
#include "sidecar/chain.h"
#include "sidecar/filter.h"
#include "sidecar/ledger.h"
#include "sidecar/limit.h"
#include "sidecar/names.h"
#include "sidecar/probes.h"
#include "sidecar/seen.h"
#include "sidecar/settings.h"
#include "sidecar/sink_stdout.h"
#include "sidecar/tally.h"

#define FLUSH_BYTES (256 << 10)
#define PENDING_MAX (4 << 20) /* bytes that wait for a disk that takes nothing */
#define BATCH_BYTES (64 << 10)
#define BATCH_NS CLOCK_NS_PER_S
#define HEARTBEAT_NS (30 * CLOCK_NS_PER_S)

struct pipeline {
	const struct settings *settings;
	struct stats *stats;
	struct encoder encoder;
	struct filter filter;
	struct limit limit;
	struct names *names;
	struct ledger *ledger;
	struct buffer *buffer;
	struct chain *chain;
	struct sink_stdout *stdout_sink;
	/* To be told: lines of segments that were dropped; lines that the disk did not take. */
	struct tally *oldest, *unkept;
	struct seen seen;
	struct buf pending;
	size_t pending_max;
	uint32_t pending_lines;
	uint64_t batch_lines;  /* in the buffer, of the batch that has not ended */
	uint64_t batch_offset; /* of its first byte */
	int64_t batch_ns;      /* monotonic: since when it is open; 0: it is not */
	int64_t heartbeat_ns;  /* monotonic: the last one */
	bool broken;           /* the disk took nothing the last time */
	struct line line;
	/* since the last turn, for stats */
	uint64_t captured[EVENT_TYPE_COUNT];
	uint64_t dropped[STATS_DROP_COUNT];
	uint64_t buffered;
};

/* ---- opening ---- */

static uint64_t count_lines(const char *lines, size_t len)
{
	uint64_t n = 0;

	for (const char *at = lines, *end = lines + len;
	     (at = memchr(at, '\n', (size_t)(end - at))); at++)
		n++;
	return n;
}

/* Gathered first: the chain begins with the head of the segment, which is known afterwards. */
static void gather_last(void *arg, const char *lines, size_t len)
{
	buf_add(arg, lines, len);
}

static void note_dropped(void *arg, const char *lines, size_t len)
{
	struct pipeline *p = arg;

	tally_add(p->oldest, lines, len);
	p->dropped[STATS_DROP_OLDEST] += count_lines(lines, len);
}

static int open_chain(struct pipeline *p, const struct buf *last, struct error *e)
{
	struct buffer_state state;
	int r = chain_new(buffer_head(p->buffer), &p->chain, e);

	if (r == 0)
		r = chain_add(p->chain, buf_str(last), last->len, e);
	if (r < 0)
		return r;
	size_t open = chain_open_bytes(p->chain);
	buffer_state(p->buffer, &state);
	p->batch_offset = state.end - open;
	p->batch_lines = count_lines(buf_str(last) + last->len - open, open);
	p->batch_ns = open ? clock_monotonic_ns() : 0;
	return 0;
}

static int open_all(struct pipeline *p, int stdout_fd, struct error *e)
{
	const struct settings *s = p->settings;
	_cleanup_(buf_done) struct buf last = BUF_INIT;

	p->names = names_new();
	p->ledger = ledger_new();
	p->oldest = tally_new();
	p->unkept = tally_new();
	p->stdout_sink = sink_stdout_new(stdout_fd, s->stdout_bytes);
	if (!p->names || !p->ledger || !p->oldest || !p->unkept || !p->stdout_sink)
		return error_oom(e);
	int r = encode_init(&p->encoder, s->weaver_id, s->org_id, s->owner_user_id, p->names, e);
	if (r == 0)
		r = buffer_open(s->buffer_path, s->buffer_max_bytes, gather_last, &last, &p->buffer,
				e);
	if (r == 0 && buf_error(&last))
		r = error_oom(e);
	if (r == 0)
		r = open_chain(p, &last, e);
	if (r == 0)
		r = seen_open(&p->seen, s->buffer_path, e);
	if (r < 0)
		return r;
	buffer_on_drop(p->buffer, note_dropped, p);
	return 0;
}

int pipeline_new(const struct settings *settings, struct stats *stats, int stdout_fd,
		 struct pipeline **ret, struct error *e)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return error_oom(e);
	p->settings = settings;
	p->stats = stats;
	p->seen.fd = -1;
	p->filter = (struct filter){ .ignore = settings->paths_ignore,
				     .always = settings->paths_always,
				     .read_sample = (uint32_t)settings->read_sample };
	p->limit.rate = (uint64_t)settings->rate_limit;
	p->pending_max = PENDING_MAX;
	if (settings->buffer_max_bytes / 4 < PENDING_MAX)
		p->pending_max = (size_t)settings->buffer_max_bytes / 4;
	int r = open_all(p, stdout_fd, e);
	if (r < 0)
		pipeline_free(p);
	else
		*ret = p;
	return r;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	seen_done(&p->seen);
	chain_free(p->chain);
	buffer_close(p->buffer);
	sink_stdout_free(p->stdout_sink);
	tally_free(p->oldest);
	tally_free(p->unkept);
	ledger_free(p->ledger);
	names_free(p->names);
	buf_done(&p->pending);
	free(p);
}

/* ---- lines ---- */

static void keep(struct pipeline *p, unsigned type, bool critical, int64_t timestamp_ns)
{
	sink_stdout_put(p->stdout_sink, p->line.bytes, p->line.len, type, critical, timestamp_ns);
	buf_add(&p->pending, p->line.bytes, p->line.len);
	p->pending_lines++;
}

static void keep_own(struct pipeline *p)
{
	keep(p, EVENT_TYPE_COUNT, true, clock_realtime_ns());
}

/*
 * Lines that waited for the disk too long. The ledger has them as missing from now on; they are
 * told when the disk takes lines again. The sidecar's own, which tell of losses, stay as long as
 * they are few.
 */
static void let_go(struct pipeline *p)
{
	_cleanup_(buf_done) struct buf all = p->pending;
	const char *line = buf_str(&all), *end = line + all.len, *newline;
	struct tally_row row;
	uint64_t seq;

	p->pending = (struct buf)BUF_INIT;
	p->pending_lines = 0;
	for (; (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
		size_t len = (size_t)(newline + 1 - line);

		if (tally_parse(line, len, &row, &seq)) {
			ledger_unlist(p->ledger, row.cpu, row.ring, 1);
		} else if (p->pending.len + len < p->pending_max / 2) {
			buf_add(&p->pending, line, len);
			p->pending_lines++;
			continue;
		}
		tally_add(p->unkept, line, len);
		p->dropped[STATS_DROP_DISK]++;
	}
}

static int add_batch_line(struct pipeline *p, bool end, unsigned *ret_rows, struct error *e)
{
	struct report_batch batch = {
		.run = p->seen.run,
		.offset = p->batch_offset,
		.lines = p->batch_lines + p->pending_lines + 1,
		.pending = buf_str(&p->pending),
		.len = p->pending.len,
		.end = end,
	};
	int r = report_batch(&p->encoder, &batch, p->chain, p->ledger, &p->line, ret_rows, e);

	if (r == 0)
		buf_add(&p->pending, p->line.bytes, p->line.len);
	return r;
}

static int append(struct pipeline *p, uint32_t lines, struct error *e)
{
	struct buffer_lines frame = {
		.lines = p->pending.data,
		.len = p->pending.len,
		.records = lines,
		.begins_batch = chain_open_bytes(p->chain) == 0,
		.batch = chain_batch(p->chain),
		.hash = chain_last(p->chain),
	};

	if (buf_error(&p->pending))
		return error_oom(e);
	return buffer_append(p->buffer, &frame, e);
}

/* Into the buffer; with `close` the batch ends there. */
static int flush(struct pipeline *p, bool close, bool end, struct error *e)
{
	size_t len = p->pending.len;
	unsigned rows = 0;
	int r = 0;

	if (len == 0 && !(close && p->batch_lines > 0))
		return 0;
	if (close)
		r = add_batch_line(p, end, &rows, e);
	if (r == 0)
		r = append(p, p->pending_lines + close, e);
	if (r < 0) {
		p->pending.len = len;
		p->pending.failed = false;
		p->broken = true;
		if (len >= p->pending_max)
			let_go(p);
		return r;
	}
	p->broken = false;
	r = chain_add(p->chain, p->pending.data, p->pending.len, e);
	p->buffered += p->pending_lines + close;
	p->batch_lines = close ? 0 : p->batch_lines + p->pending_lines;
	if (close) {
		struct buffer_state state;

		ledger_settle(p->ledger, rows);
		buffer_state(p->buffer, &state);
		p->batch_offset = state.end;
		p->batch_ns = 0;
	} else if (p->batch_ns == 0) {
		p->batch_ns = clock_monotonic_ns();
	}
	buf_reset(&p->pending);
	p->pending_lines = 0;
	return r;
}

static bool batch_is_full(const struct pipeline *p)
{
	if (chain_open_bytes(p->chain) + p->pending.len >= BATCH_BYTES)
		return true;
	return p->batch_ns && clock_monotonic_ns() - p->batch_ns >= BATCH_NS;
}

/* ---- records ---- */

int pipeline_event(const struct event *ev, void *arg)
{
	static const enum stats_drop drops[FILTER_REASON_COUNT] = {
		[FILTER_PATH] = STATS_DROP_PATH,         [FILTER_SAMPLED] = STATS_DROP_SAMPLED,
		[FILTER_LOOPBACK] = STATS_DROP_LOOPBACK, [FILTER_SETUP] = STATS_DROP_SETUP,
		[FILTER_RATE] = STATS_DROP_RATE,
	};
	struct pipeline *p = arg;
	uint32_t sample = 0;
	enum filter_reason reason = FILTER_KEEP;

	if (ev->type == EVENT_LOST) {
		p->dropped[STATS_DROP_RING] += ev->lost.count;
	} else {
		p->captured[ev->type]++;
		reason = filter_event(&p->filter, ev, &sample);
		if (reason == FILTER_KEEP && !limit_take(&p->limit, ev))
			reason = FILTER_RATE;
		ledger_see(p->ledger, ev->cpu, ev->ring, ev->seq, reason == FILTER_KEEP);
	}
	if (reason != FILTER_KEEP) {
		p->dropped[drops[reason]]++;
		return 0;
	}
	encode_event(&p->encoder, ev, sample, &p->line);
	keep(p, ev->type, ev->ring == RING_CRITICAL || ev->type == EVENT_LOST,
	     encode_realtime(&p->encoder, ev->time_ns));
	if (p->pending.len >= (p->broken ? p->pending_max : FLUSH_BYTES))
		flush(p, batch_is_full(p), false, NULL);
	return 0;
}

void pipeline_begin(struct pipeline *p, const struct report_scope *scope, int64_t attached_ns)
{
	if (p->seen.last_ns) {
		report_gap(&p->encoder, &p->seen, attached_ns, &p->line);
		keep_own(p);
	}
	report_start(&p->encoder, p->settings, &p->seen, scope, p->stats, &p->line);
	keep_own(p);
	p->heartbeat_ns = clock_monotonic_ns();
}

/* ---- turns ---- */

static void tell_tally(struct pipeline *p, enum stats_drop drop, struct tally *t)
{
	struct tally_row row;

	while (tally_take(t, &row)) {
		report_lost(&p->encoder, drop, &row, &p->line);
		keep_own(p);
	}
}

static void tell_unsendable(struct pipeline *p)
{
	uint64_t counts[STATS_DROP_COUNT];

	{
		lock_guard(&p->stats->lock);
		memcpy(counts, p->stats->unsendable, sizeof(counts));
		memset(p->stats->unsendable, 0, sizeof(p->stats->unsendable));
	}
	for (unsigned i = 0; i < STATS_DROP_COUNT; i++) {
		if (counts[i] == 0)
			continue;
		report_unsendable(&p->encoder, (enum stats_drop)i, counts[i], &p->line);
		keep_own(p);
	}
}

static void tell_limits(struct pipeline *p, bool last)
{
	uint64_t now_ns = (uint64_t)(clock_realtime_ns() - encode_realtime(&p->encoder, 0));
	struct limit_row row;

	while (limit_tell(&p->limit, now_ns, last, &row)) {
		report_limit(&p->encoder, &row, p->limit.rate, &p->line);
		keep_own(p);
	}
}

static void publish(struct pipeline *p, const struct probes_counters *counters,
		    const struct error *e)
{
	struct stats *s = p->stats;
	uint64_t budget, blocked;

	sink_stdout_left_out(p->stdout_sink, &budget, &blocked);
	lock_guard(&s->lock);
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++)
		s->captured[i] += p->captured[i];
	for (unsigned i = 0; i < STATS_DROP_COUNT; i++)
		s->dropped[i] += p->dropped[i];
	s->dropped[STATS_DROP_BUDGET] = budget;
	s->dropped[STATS_DROP_BLOCKED] = blocked;
	s->buffered += p->buffered;
	s->in_flight = p->pending_lines;
	s->seen_ns = clock_monotonic_ns();
	buffer_state(p->buffer, &s->buffer);
	STATS_SAY(s->disk, p->broken ? e->text : "");
	if (counters) {
		memcpy(s->ring_used, counters->ring_used, sizeof(s->ring_used));
		memcpy(s->ring_size, counters->ring_size, sizeof(s->ring_size));
	}
	memset(p->captured, 0, sizeof(p->captured));
	memset(p->dropped, 0, sizeof(p->dropped));
	p->buffered = 0;
}

static int turn(struct pipeline *p, int64_t drained_ns, const struct probes_counters *counters,
		bool end, struct error *e)
{
	int64_t now_ns = clock_monotonic_ns();
	struct error own = ERROR_INIT;

	encode_set_clock(&p->encoder);
	tell_limits(p, end);
	if (!p->broken) {
		tell_tally(p, STATS_DROP_OLDEST, p->oldest);
		tell_tally(p, STATS_DROP_DISK, p->unkept);
		tell_unsendable(p);
	}
	publish(p, counters, &own);
	if (end || now_ns - p->heartbeat_ns >= HEARTBEAT_NS) {
		report_heartbeat(&p->encoder, &p->seen, p->ledger, p->stats, counters, &p->line);
		keep_own(p);
		p->heartbeat_ns = now_ns;
	}
	int r = flush(p, end || batch_is_full(p), end, &own);
	if (r == 0)
		r = seen_mark(&p->seen, drained_ns, end);
	if (r < 0 && own.code == 0)
		error_set(&own, -r, "audit buffer %s: %s", p->settings->buffer_path, strerror(-r));
	publish(p, counters, &own);
	sink_stdout_flush(p->stdout_sink, &p->encoder, now_ns);
	if (r < 0 && e)
		*e = own;
	return r;
}

bool pipeline_wants_counters(const struct pipeline *p)
{
	return clock_monotonic_ns() - p->heartbeat_ns >= HEARTBEAT_NS;
}

int pipeline_turn(struct pipeline *p, int64_t drained_ns, const struct probes_counters *counters,
		  struct error *e)
{
	return turn(p, drained_ns, counters, false, e);
}

int pipeline_end(struct pipeline *p, int64_t drained_ns, const struct probes_counters *counters,
		 struct error *e)
{
	int r = turn(p, drained_ns, counters, true, e);

	sink_stdout_drain(p->stdout_sink, &p->encoder, 200);
	return r;
}

uint64_t pipeline_stream_end(const struct pipeline *p)
{
	struct buffer_state state;

	buffer_state(p->buffer, &state);
	return state.end;
}
