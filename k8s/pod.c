/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod in use: references and look-ups. It never changes once pod_parse.c has made it, so readers
 * need no lock; the last of them frees the one allocation it is.
 */
#include "k8s/pod.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct pod *pod_ref(const struct pod *p)
{
	/* the count is the one thing that changes in an immutable pod */
	struct pod *mutable = (struct pod *)(uintptr_t)p;

	__atomic_add_fetch(&mutable->refs, 1, __ATOMIC_RELAXED);
	return mutable;
}

void pod_unref(struct pod *p)
{
	if (!p)
		return;
	int refs = __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL);
	assert(refs >= 0);
	if (refs == 0)
		free(p);
}

static const char *find_pair(const struct pod_pair *pairs, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(pairs[i].key, key) == 0)
			return pairs[i].value;
	}
	return NULL;
}

const char *pod_label(const struct pod *p, const char *key)
{
	return find_pair(p->labels, p->n_labels, key);
}

const char *pod_annotation(const struct pod *p, const char *key)
{
	return find_pair(p->annotations, p->n_annotations, key);
}

const struct pod_container *pod_main(const struct pod *p)
{
	return p->n_containers ? &p->containers[p->main] : NULL;
}

size_t pod_size(const struct pod *p)
{
	return malloc_usable_size((void *)(uintptr_t)p);
}
