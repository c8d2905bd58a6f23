/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/handles.h"

#include <stdlib.h>

#include "k8s/base/lock.h"

struct handles {
	struct lock lock;
	struct list open;
};

int handles_new(struct handles **ret, struct error *e)
{
	struct handles *h = calloc(1, sizeof(*h));

	if (!h)
		return error_oom(e);
	lock_init(&h->lock, LOCK_LEAF);
	list_init(&h->open);
	*ret = h;
	return 0;
}

void handles_free(struct handles *h)
{
	if (!h)
		return;
	while (!list_empty(&h->open)) {
		struct handles_node *n = list_entry(h->open.next, struct handles_node, node);
		list_remove(&n->node);
		n->free(n);
	}
	lock_done(&h->lock);
	free(h);
}

void handles_add(struct handles *h, struct handles_node *n, void (*free)(struct handles_node *n))
{
	n->free = free;
	lock_guard(&h->lock);
	list_push_back(&h->open, &n->node);
}

void handles_remove(struct handles *h, struct handles_node *n)
{
	lock_guard(&h->lock);
	list_remove(&n->node);
}
