/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive circular doubly linked list. An unlinked node points at itself. */
#pragma once
#include <stdbool.h>

#include "k8s/base/cleanup.h"

struct list {
	struct list *next, *prev;
};

/* clang-format off */
#define LIST_INIT(name) { &(name), &(name) }
/* clang-format on */

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}
static inline void list_insert(struct list *n, struct list *prev)
{
	n->next = prev->next;
	n->prev = prev;
	prev->next->prev = n;
	prev->next = n;
}
static inline void list_push_back(struct list *head, struct list *n)
{
	list_insert(n, head->prev);
}
static inline void list_push_front(struct list *head, struct list *n)
{
	list_insert(n, head);
}
/* Safe on an unlinked node; the node is unlinked (and usable) afterwards. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#define list_entry(node, type, member) container_of(node, type, member)
/* pos may be removed (and freed) in the body. */
#define list_for_each(pos, head, type, member)                                                     \
	for (type *pos = list_entry((head)->next, type, member),                                   \
		  *pos##_next = list_entry(pos->member.next, type, member);                        \
	     &pos->member != (head);                                                               \
	     pos = pos##_next, pos##_next = list_entry(pos->member.next, type, member))
