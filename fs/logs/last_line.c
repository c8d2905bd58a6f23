/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/logs/last_line.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/pod.h"

#define TEXT_MAX 256

struct last_line *last_line_make(const struct pod_container *c, const char *text, size_t len)
{
	size_t keep = len < TEXT_MAX ? len : TEXT_MAX;
	struct last_line *l = calloc(1, sizeof(*l) + keep + 1);

	if (!l)
		return NULL;
	l->refs = 1;
	l->restarts = c->restarts;
	snprintf(l->container, sizeof(l->container), "%s", c->name);
	memcpy(l->text, text, keep);
	return l;
}

struct last_line *last_line_ref(const struct last_line *l)
{
	struct last_line *mutable = (struct last_line *)(uintptr_t)l; /* for its count */

	if (l)
		__atomic_add_fetch(&mutable->refs, 1, __ATOMIC_RELAXED);
	return mutable;
}

void last_line_unref(struct last_line *l)
{
	if (l && __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(l);
}

bool last_line_is_of(const struct last_line *l, const struct pod_container *c)
{
	return l && l->restarts == c->restarts && strcmp(l->container, c->name) == 0;
}
