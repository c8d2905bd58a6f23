/* SPDX-License-Identifier: Apache-2.0 */
/* See top_model.h. */
#include "tools/top_model.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"

/* A metrics server measures every 15 s, and a new weaver only then. */
#define TOP_AGAIN_NS (15 * CLOCK_NS_PER_S)
#define TOP_UNMEASURED_NS (60 * CLOCK_NS_PER_S)
#define TOP_NO_SERVER_NS (300 * CLOCK_NS_PER_S)

static void top_model_keep(struct top_row *to, const struct top_model *m)
{
	to->usage = (struct top_usage){ -1, -1, -1 };
	to->events_per_s = -1;
	for (size_t i = 0; i < m->n; i++) {
		const struct top_row *old = &m->all[i];
		if (strcmp(old->row.id, to->row.id) != 0)
			continue;
		to->usage = old->usage;
		to->events_per_s = old->events_per_s;
		to->asked_ns = old->asked_ns;
		to->due_ns = old->due_ns;
	}
}

int top_model_load(struct top_model *m, struct error *e)
{
	struct rows rows;
	int r = rows_load(m->mount, false, &rows, e);

	if (r < 0)
		return r;
	struct top_row *all = calloc(rows.n + 1, sizeof(*all));
	if (!all) {
		rows_done(&rows);
		return error_oom(e);
	}
	for (size_t i = 0; i < rows.n; i++) {
		all[i].row = rows.all[i];
		top_model_keep(&all[i], m);
	}
	top_model_done(m);
	m->all = all;
	m->n = rows.n;
	free(rows.all); /* the rows themselves have moved */
	top_model_sort(m);
	return 0;
}

void top_model_done(struct top_model *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->all[i].row.tags);
	free(m->all);
	m->all = NULL;
	m->n = 0;
}

static int top_model_compare(const void *a, const void *b, void *data)
{
	const struct top_row *x = a, *y = b;
	const struct top_model *m = data;
	double d = 0;

	switch (m->sort) {
	case TOP_STATUS:
		d = strcmp(x->row.status, y->row.status);
		break;
	case TOP_TTL:
		d = (double)(x->row.expires_s - y->row.expires_s);
		break;
	case TOP_CPU:
		d = (double)(y->usage.cpu_milli - x->usage.cpu_milli);
		break;
	case TOP_MEMORY:
		d = (double)(y->usage.memory - x->usage.memory);
		break;
	case TOP_EVENTS:
		d = y->events_per_s - x->events_per_s;
		break;
	case TOP_NAME:
	default:
		break;
	}
	int order = d < 0 ? -1 : d > 0 ? 1 : strcmp(x->row.name, y->row.name);
	return m->reverse ? -order : order;
}

void top_model_sort(struct top_model *m)
{
	if (m->n > 0)
		qsort_r(m->all, m->n, sizeof(*m->all), top_model_compare, m);
}

static bool top_model_passes(const struct top_model *m, const struct top_row *row)
{
	return strstr(row->row.name, m->filter) != NULL;
}

struct top_row *top_model_shown(struct top_model *m, size_t i)
{
	for (size_t k = 0; k < m->n; k++)
		if (top_model_passes(m, &m->all[k]) && i-- == 0)
			return &m->all[k];
	return NULL;
}

size_t top_model_count(const struct top_model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += top_model_passes(m, &m->all[i]);
	return n;
}

size_t top_model_chosen(struct top_model *m)
{
	const struct top_row *row;

	for (size_t i = 0; (row = top_model_shown(m, i)); i++)
		if (strcmp(row->row.name, m->chosen) == 0)
			return i;
	return 0;
}

void top_model_choose(struct top_model *m, long i)
{
	long n = (long)top_model_count(m);
	const struct top_row *row = top_model_shown(m, (size_t)(i < 0 ? 0 : i >= n ? n - 1 : i));

	if (n > 0 && row)
		strcpy(m->chosen, row->row.name);
}

struct top_row *top_model_due(struct top_model *m, int64_t now_ns)
{
	struct top_row *oldest = NULL;

	if (!m->measured && now_ns < m->unmeasured_until_ns)
		return NULL;
	for (size_t i = 0; i < m->n; i++) {
		struct top_row *row = &m->all[i];
		if (strcmp(row->row.status, "running") != 0 || now_ns < row->due_ns)
			continue;
		if (!oldest || row->asked_ns < oldest->asked_ns)
			oldest = row;
	}
	return oldest;
}

void top_model_take(struct top_model *m, const struct top_answer *answer, int64_t now_ns)
{
	const struct top_usage *now = &answer->usage;
	bool any = now->cpu_milli >= 0 || now->events >= 0;

	/* the mount notes each refusal in .weaverfs/errors: a cluster without a metrics server is
	 * not to fill that */
	m->measured |= any;
	if (!any)
		m->unmeasured_until_ns = now_ns + TOP_NO_SERVER_NS;
	for (size_t i = 0; i < m->n; i++) {
		struct top_row *row = &m->all[i];
		if (strcmp(row->row.id, answer->id) != 0)
			continue;
		if (row->usage.events >= 0 && now->events >= row->usage.events && row->asked_ns)
			row->events_per_s = (double)(now->events - row->usage.events) * 1e9 /
					    (double)(now_ns - row->asked_ns);
		row->usage = *now;
		row->asked_ns = now_ns;
		row->due_ns = now_ns + (any ? TOP_AGAIN_NS : TOP_UNMEASURED_NS);
	}
	top_model_sort(m);
}
