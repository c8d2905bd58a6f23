/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two pages. Names and labels are Loom's (loom_weaver_audit_…); what it does not have is added
 * beside them. Numbers are copied out of the lock first: a slow formatter holds up nobody.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "sidecar/encode.h"
#include "sidecar/stats.h"

#define PREFIX "loom_weaver_audit_"
#define STALLED_NS (10 * CLOCK_NS_PER_S) /* a pipeline that has not turned for so long hangs */

static struct stats *copy(struct stats *s)
{
	struct stats *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	lock_guard(&s->lock);
	*c = *s;
	return c;
}

/* ---- metrics ---- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void number(struct buf *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	head(out, name, type, help);
	buf_printf(out, PREFIX "%s %" PRIu64 "\n", name, value);
}

static void histogram(struct buf *out, const char *name, const char *help,
		      const struct stats_histogram *h, const double bounds[STATS_BUCKETS])
{
	uint64_t sum = 0;

	head(out, name, "histogram", help);
	for (size_t i = 0; i < STATS_BUCKETS; i++) {
		sum += h->buckets[i];
		buf_printf(out, PREFIX "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i], sum);
	}
	buf_printf(out, PREFIX "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, h->count);
	buf_printf(out, PREFIX "%s_sum %.9g\n" PREFIX "%s_count %" PRIu64 "\n", name, h->sum, name,
		   h->count);
}

static void page_events(const struct stats *s, struct buf *out)
{
	head(out, "events_captured_total", "counter", "Records taken from the probes.");
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++)
		if (i != EVENT_LOST)
			buf_printf(out,
				   PREFIX "events_captured_total{event_type=\"%s\"} %" PRIu64 "\n",
				   encode_type_name(i), s->captured[i]);
	number(out, "events_sent_total", "counter", "Records the server took.", s->sent);
	head(out, "events_dropped_total", "counter",
	     "Records that went no further, by where and why.");
	for (unsigned i = 0; i < STATS_DROP_COUNT; i++)
		buf_printf(out,
			   PREFIX "events_dropped_total{stage=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
			   stats_drop_stages[i], stats_drop_reasons[i], s->dropped[i]);
	number(out, "events_buffered_total", "counter", "Records written to the buffer.",
	       s->buffered);
	number(out, "pipeline_events_in_flight", "gauge",
	       "Records in memory that are not in the buffer yet.", s->in_flight);
}

static void page_buffer(const struct stats *s, struct buf *out)
{
	const struct buffer_state *b = &s->buffer;
	int64_t age = b->oldest_ns ? clock_realtime_ns() - b->oldest_ns : 0;

	number(out, "buffer_events", "gauge", "Records in the buffer.",
	       b->end_record - b->oldest_record);
	number(out, "buffer_bytes", "gauge", "Bytes of the buffer on the disk.", (uint64_t)b->size);
	head(out, "buffer_oldest_event_age_seconds", "gauge",
	     "Age of the oldest segment of the buffer.");
	buf_printf(out, PREFIX "buffer_oldest_event_age_seconds %.3f\n",
		   (double)(age > 0 ? age : 0) / CLOCK_NS_PER_S);
}

static void page_probes(const struct stats *s, struct buf *out)
{
	static const char *const rings[RING_COUNT] = { "normal", "critical" };

	head(out, "ebpf_programs_attached", "gauge", "1: the program is attached.");
	for (unsigned i = 0; i < s->program_count; i++)
		buf_printf(out, PREFIX "ebpf_programs_attached{program=\"%s\"} %d\n",
			   s->programs[i].name, s->programs[i].attached);
	head(out, "ebpf_program_misses_total", "counter",
	     "Runs of a program that the kernel left out.");
	for (unsigned i = 0; i < s->program_count; i++)
		buf_printf(out, PREFIX "ebpf_program_misses_total{program=\"%s\"} %" PRIu64 "\n",
			   s->programs[i].name, s->programs[i].misses);
	number(out, "ebpf_ring_buffer_dropped_events_total", "counter",
	       "Records that found no room in a ring.", s->dropped[STATS_DROP_RING]);
	head(out, "ebpf_ring_buffer_utilization_ratio", "gauge", "Share of a ring in use.");
	for (unsigned i = 0; i < RING_COUNT; i++)
		buf_printf(out, PREFIX "ebpf_ring_buffer_utilization_ratio{ring=\"%s\"} %.4f\n",
			   rings[i],
			   s->ring_size[i] ? (double)s->ring_used[i] / (double)s->ring_size[i] : 0);
}

static void page_http(const struct stats *s, struct buf *out)
{
	head(out, "batches_sent_total", "counter", "Requests with records, by how they ended.");
	buf_printf(out,
		   PREFIX "batches_sent_total{outcome=\"success\"} %" PRIu64 "\n" PREFIX
			  "batches_sent_total{outcome=\"rejected\"} %" PRIu64 "\n" PREFIX
			  "batches_sent_total{outcome=\"failure\"} %" PRIu64 "\n",
		   s->batches_sent, s->batches_rejected, s->batches_failed);
	histogram(out, "batch_events", "Records in a request.", &s->batch_events,
		  stats_batch_events_bounds);
	histogram(out, "batch_size_bytes", "Bytes of a request.", &s->batch_bytes,
		  stats_batch_bytes_bounds);
	head(out, "http_requests_total", "counter",
	     "Requests by status code; 0: there was no answer.");
	for (unsigned i = 0; i < STATS_CODES && s->codes[i].count > 0; i++)
		buf_printf(out,
			   PREFIX "http_requests_total{endpoint=\"events\",code=\"%d\"} %" PRIu64
				  "\n",
			   s->codes[i].code, s->codes[i].count);
	histogram(out, "http_request_duration_seconds", "How long requests took.", &s->http_seconds,
		  stats_seconds_bounds);
	head(out, "http_retries_total", "counter", "Requests that have to be made again.");
	for (unsigned i = 0; i < STATS_RETRY_COUNT; i++)
		buf_printf(out, PREFIX "http_retries_total{reason=\"%s\"} %" PRIu64 "\n",
			   stats_retry_reasons[i], s->retries[i]);
}

void stats_page_metrics(struct stats *s, struct buf *out)
{
	_cleanup_(cleanup_free) struct stats *c = copy(s);

	if (!c) {
		out->failed = true;
		return;
	}
	page_events(c, out);
	page_buffer(c, out);
	page_probes(c, out);
	page_http(c, out);
}

/* ---- health ---- */

static void add_reason(struct buf *out, unsigned *count, const char *what, const char *text)
{
	buf_add_str(out, (*count)++ ? "," : "");
	_cleanup_(buf_done) struct buf both = BUF_INIT;
	buf_printf(&both, "%s: %s", what, text);
	buf_add_json(out, buf_str(&both), both.len);
}

/* What keeps it from being healthy; *ret_trouble: nothing is recorded. Returns how many. */
static unsigned add_reasons(const struct stats *s, struct buf *out, bool *ret_trouble)
{
	unsigned count = 0;
	bool stalled = s->seen_ns && clock_monotonic_ns() - s->seen_ns > STALLED_NS;

	*ret_trouble = s->trouble[0] || stalled || !s->seen_ns;
	if (s->trouble[0])
		add_reason(out, &count, "recording", s->trouble);
	else if (!s->seen_ns)
		add_reason(out, &count, "recording", "has not begun");
	else if (stalled)
		add_reason(out, &count, "recording", "stands still");
	if (s->disk[0])
		add_reason(out, &count, "buffer", s->disk);
	if (s->server[0])
		add_reason(out, &count, "server", s->server);
	for (unsigned i = 0; i < s->group_count; i++) {
		const struct stats_group *g = &s->groups[i];

		if (g->attached < g->expected)
			add_reason(out, &count, g->name, g->reason[0] ? g->reason : g->means);
	}
	return count;
}

static void add_groups(const struct stats *s, struct buf *out)
{
	buf_add_str(out, "[");
	for (unsigned i = 0; i < s->group_count; i++) {
		const struct stats_group *g = &s->groups[i];

		buf_printf(out, "%s{\"name\":", i ? "," : "");
		buf_add_json(out, g->name, strlen(g->name));
		buf_printf(out, ",\"means\":\"%s\",\"attached\":%u,\"expected\":%u", g->means,
			   g->attached, g->expected);
		if (g->reason[0]) {
			buf_add_str(out, ",\"reason\":");
			buf_add_json(out, g->reason, strlen(g->reason));
		}
		buf_add_str(out, "}");
	}
	buf_add_str(out, "]");
}

static void add_components(const struct stats *s, struct buf *out)
{
	unsigned attached = 0, expected = 0;
	char stamp[RFC3339_SECONDS_LEN + 1] = "";

	for (unsigned i = 0; i < s->group_count; i++) {
		attached += s->groups[i].attached;
		expected += s->groups[i].expected;
	}
	buf_printf(out, "{\"ebpf\":{\"programs_attached\":%u,\"programs_expected\":%u,\"groups\":",
		   attached, expected);
	add_groups(s, out);
	buf_add_str(out, "}");
	if (s->has_server) {
		buf_add_str(out, ",\"server\":{\"last_successful_send\":");
		if (s->last_success_ns) {
			rfc3339_format(s->last_success_ns / CLOCK_NS_PER_S, stamp);
			buf_printf(out, "\"%s\"", stamp);
		} else {
			buf_add_str(out, "null");
		}
		buf_printf(out, ",\"buffered_events\":%" PRIu64 "}", s->unsent);
	}
	buf_printf(out, ",\"buffer\":{\"size_bytes\":%" PRId64 ",\"utilization_percent\":%.1f}}",
		   s->buffer.size,
		   s->buffer.max ? 100.0 * (double)s->buffer.size / (double)s->buffer.max : 0);
}

int stats_page_health(struct stats *s, struct buf *out)
{
	_cleanup_(cleanup_free) struct stats *c = copy(s);
	_cleanup_(buf_done) struct buf reasons = BUF_INIT;
	bool trouble;

	if (!c) {
		out->failed = true;
		return 503;
	}
	unsigned count = add_reasons(c, &reasons, &trouble);
	buf_printf(out, "{\"status\":\"%s\",\"reasons\":[%s],\"components\":",
		   trouble ? "unhealthy"
		   : count ? "degraded"
			   : "healthy",
		   buf_str(&reasons));
	add_components(c, out);
	buf_add_str(out, "}\n");
	return trouble ? 503 : 200;
}
