/* SPDX-License-Identifier: Apache-2.0 */
/* Files that grow are shown at once, then ten times a second, and at their last. Cluster thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/list.h"

struct loop;

struct poke_growth {
	struct loop *loop;
	void (*show)(void *data, uint64_t object, unsigned row);
	void *data;
	struct list files;
};

void poke_growth_init(struct poke_growth *g, struct loop *loop,
		      void (*show)(void *data, uint64_t object, unsigned row), void *data);
void poke_growth_done(struct poke_growth *g);
/* It has grown: show() is called now, or in at most 100 ms. */
void poke_growth_seen(struct poke_growth *g, uint64_t object, unsigned row);
/* A file of the object that has grown since it was shown, as if it were by now; false: none has. */
bool poke_growth_take(struct poke_growth *g, uint64_t object, unsigned *ret_row);
