/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/poke/poke_growth.h"

#include <stdlib.h>

#include "k8s/base/clock.h"
#include "k8s/loop.h"

#define GROWN_NS (100 * CLOCK_NS_PER_MS)

/* A file that was shown less than GROWN_NS ago. */
struct growing {
	struct list node;
	struct loop_timer timer;
	struct poke_growth *of;
	uint64_t object;
	unsigned row;
	bool again; /* it has grown since */
};

void poke_growth_init(struct poke_growth *g, struct loop *loop,
		      void (*show)(void *data, uint64_t object, unsigned row), void *data)
{
	*g = (struct poke_growth){ .loop = loop, .show = show, .data = data };
	list_init(&g->files);
}

static void growing_free(struct growing *f)
{
	loop_timer_cancel(&f->timer);
	list_remove(&f->node);
	free(f);
}

void poke_growth_done(struct poke_growth *g)
{
	list_for_each(f, &g->files, struct growing, node)
		growing_free(f);
}

static void fire(struct loop_timer *t)
{
	struct growing *f = container_of(t, struct growing, timer);
	struct poke_growth *g = f->of;

	if (!f->again) {
		growing_free(f);
		return;
	}
	f->again = false;
	loop_timer_set(g->loop, t, clock_monotonic_ns() + GROWN_NS);
	g->show(g->data, f->object, f->row);
}

static struct growing *find(struct poke_growth *g, uint64_t object, unsigned row)
{
	list_for_each(f, &g->files, struct growing, node)
		if (f->object == object && f->row == row)
			return f;
	return NULL;
}

void poke_growth_seen(struct poke_growth *g, uint64_t object, unsigned row)
{
	struct growing *f = find(g, object, row);

	if (f) {
		f->again = true;
		return;
	}
	g->show(g->data, object, row);
	f = calloc(1, sizeof(*f));
	if (!f)
		return; /* events more often, no harm */
	*f = (struct growing){ .of = g, .object = object, .row = row };
	loop_timer_init(&f->timer, fire);
	list_push_back(&g->files, &f->node);
	loop_timer_set(g->loop, &f->timer, clock_monotonic_ns() + GROWN_NS);
}

bool poke_growth_take(struct poke_growth *g, uint64_t object, unsigned *ret_row)
{
	list_for_each(f, &g->files, struct growing, node) {
		if (f->object != object || !f->again)
			continue;
		f->again = false;
		*ret_row = f->row;
		return true;
	}
	return false;
}
