/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/stats.h"

#include <stdio.h>
#include <string.h>

#include "k8s/base/cleanup.h"

/* clang-format off */
#define X(name, stage, reason) [STATS_DROP_##name] = stage,
const char *const stats_drop_stages[STATS_DROP_COUNT] = { STATS_DROPS(X) };
#undef X
#define X(name, stage, reason) [STATS_DROP_##name] = reason,
const char *const stats_drop_reasons[STATS_DROP_COUNT] = { STATS_DROPS(X) };
#undef X
#define X(name, reason) [STATS_RETRY_##name] = reason,
const char *const stats_retry_reasons[STATS_RETRY_COUNT] = { STATS_RETRIES(X) };
#undef X

const double stats_batch_events_bounds[STATS_BUCKETS] = {
	1, 2, 5, 10, 25, 50, 100, 250, 500, 1000
};
const double stats_batch_bytes_bounds[STATS_BUCKETS] = {
	1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10
};
const double stats_seconds_bounds[STATS_BUCKETS] = {
	0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10
};
/* clang-format on */

void stats_init(struct stats *s)
{
	*s = (struct stats){ 0 };
	lock_init(&s->lock, LOCK_LEAF);
}

void stats_done(struct stats *s)
{
	lock_done(&s->lock);
}

void stats_observe(struct stats_histogram *h, const double bounds[STATS_BUCKETS], double value)
{
	size_t i = 0;

	while (i < STATS_BUCKETS && value > bounds[i])
		i++;
	h->buckets[i]++;
	h->count++;
	h->sum += value;
}

/* What finds no row of its own is counted in the last. */
void stats_count_code(struct stats *s, int code)
{
	size_t i = 0;

	while (i < STATS_CODES - 1 && s->codes[i].count > 0 && s->codes[i].code != code)
		i++;
	if (s->codes[i].count == 0)
		s->codes[i].code = code;
	s->codes[i].count++;
}

void stats_say(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}
