/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/recorder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/base/error.h"
#include "k8s/base/log.h"
#include "sidecar/pipeline.h"
#include "sidecar/probes.h"
#include "sidecar/stats.h"

#define COUNTERS_NS CLOCK_NS_PER_S

struct recorder {
	struct probes *probes;
	struct pipeline *pipeline;
	struct stats *stats;
	int64_t counted_ns; /* monotonic: programs and rings were looked at */
};

static void publish_groups(struct recorder *r)
{
	size_t n;
	const struct probes_group *groups = probes_groups(r->probes, &n);

	lock_guard(&r->stats->lock);
	r->stats->group_count = n < STATS_GROUPS ? (unsigned)n : STATS_GROUPS;
	for (unsigned i = 0; i < r->stats->group_count; i++) {
		struct stats_group *g = &r->stats->groups[i];

		STATS_SAY(g->name, groups[i].name);
		STATS_SAY(g->means, groups[i].means);
		STATS_SAY(g->reason, groups[i].reason);
		g->expected = groups[i].expected;
		g->attached = groups[i].attached;
	}
}

static void publish_programs(struct recorder *r)
{
	size_t n;
	const struct probes_program *programs = probes_programs(r->probes, &n);

	lock_guard(&r->stats->lock);
	r->stats->program_count = n < STATS_PROGRAMS ? (unsigned)n : STATS_PROGRAMS;
	for (unsigned i = 0; i < r->stats->program_count; i++) {
		struct stats_program *p = &r->stats->programs[i];

		STATS_SAY(p->name, programs[i].name);
		p->attached = programs[i].attached;
		p->misses = programs[i].recursion_misses;
	}
}

int recorder_new(const struct settings *settings, struct stats *stats, struct recorder **ret,
		 struct error *e)
{
	struct probes_options options = { 0 };
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return error_oom(e);
	r->stats = stats;
	/* The buffer first: what the probes make must have where to go. */
	int res = pipeline_new(settings, stats, STDOUT_FILENO, &r->pipeline, e);
	if (res == 0)
		res = probes_open(&r->probes, &options, e);
	if (res < 0) {
		recorder_free(r);
		return res;
	}
	int64_t attached_ns = clock_realtime_ns();
	const struct probes_scope *scope = probes_scope(r->probes);
	publish_groups(r);
	publish_programs(r);
	pipeline_begin(r->pipeline,
		       &(struct report_scope){ .pod_cgroup = scope->pod_cgroup,
					       .level = scope->level,
					       .v1 = scope->v1,
					       .pod = scope->pod },
		       attached_ns);
	res = probes_snapshot(r->probes, e);
	if (res == 0)
		res = recorder_turn(r, e);
	if (res < 0) {
		recorder_free(r);
		return res;
	}
	*ret = r;
	return 0;
}

int recorder_fd(const struct recorder *r)
{
	return probes_fd(r->probes);
}

static int drain(struct recorder *r, int64_t *ret_drained_ns, struct error *e)
{
	*ret_drained_ns = clock_realtime_ns();
	return probes_poll(r->probes, 0, pipeline_event, r->pipeline, e);
}

/* Fresh counters where they are due: false: none. */
static bool count(struct recorder *r, struct probes_counters *ret)
{
	int64_t now_ns = clock_monotonic_ns();

	if (now_ns - r->counted_ns < COUNTERS_NS && !pipeline_wants_counters(r->pipeline))
		return false;
	r->counted_ns = now_ns;
	publish_programs(r);
	return probes_counters(r->probes, ret, NULL) == 0;
}

int recorder_turn(struct recorder *r, struct error *e)
{
	struct probes_counters counters;
	int64_t drained_ns;
	int res = drain(r, &drained_ns, e);

	if (res < 0)
		return res;
	bool fresh = count(r, &counters);
	return pipeline_turn(r->pipeline, drained_ns, fresh ? &counters : NULL, e);
}

static uint64_t captured(struct stats *s)
{
	uint64_t sum = 0;

	lock_guard(&s->lock);
	for (unsigned i = 0; i < EVENT_TYPE_COUNT; i++)
		sum += s->captured[i];
	return sum;
}

void recorder_drain(struct recorder *r, int timeout_ms)
{
	int64_t end_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS;
	uint64_t before;

	do {
		before = captured(r->stats);
		if (recorder_turn(r, NULL) < 0)
			return;
	} while (captured(r->stats) > before && clock_monotonic_ns() < end_ns);
}

int recorder_end(struct recorder *r, uint64_t *ret_end, struct error *e)
{
	struct probes_counters counters;
	int64_t drained_ns;
	int res = drain(r, &drained_ns, e);

	if (res == 0) {
		bool fresh = probes_counters(r->probes, &counters, NULL) == 0;
		res = pipeline_end(r->pipeline, drained_ns, fresh ? &counters : NULL, e);
	}
	*ret_end = pipeline_stream_end(r->pipeline);
	return res;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	probes_close(r->probes);
	pipeline_free(r->pipeline);
	free(r);
}
