/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of the mount. Each is an independent number, so relaxed order is enough; the page comes
 * from the same list as the enum (Prometheus text exposition format 0.0.4).
 */
#include "fs/metrics.h"

#include <inttypes.h>
#include <stddef.h>

#include "k8s/base/cleanup.h"

static const struct {
	const char *name, *help;
} counters[METRIC_COUNT] = {
#define METRICS_ROW(suffix, name, help) [METRIC_##suffix] = { name, help },
	METRICS_COUNTERS(METRICS_ROW)
#undef METRICS_ROW
};

void metrics_add(struct metrics *m, enum metric metric, uint64_t n)
{
	__atomic_add_fetch(&m->counters[metric], n, __ATOMIC_RELAXED);
}

uint64_t metrics_get(const struct metrics *m, enum metric metric)
{
	return __atomic_load_n(&m->counters[metric], __ATOMIC_RELAXED);
}

static void add_head(struct buf *out, const char *name, const char *help, const char *type)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_show(const struct metrics *m, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		metrics_counter(out, counters[i].name, counters[i].help,
				metrics_get(m, (enum metric)i));
}

void metrics_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	add_head(out, name, help, "counter");
	buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

void metrics_gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	add_head(out, name, help, "gauge");
	buf_printf(out, "%s %" PRId64 "\n", name, value);
}
