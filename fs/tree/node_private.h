/* SPDX-License-Identifier: Apache-2.0 */
/* What node.c and node_list.c share. */
#pragma once
#include <stddef.h>

#include "fs/tree/node.h"

/* The directories that are always there. */
struct node_fixed {
	uint64_t object, parent;
	const char *name;
	unsigned scope;
};
extern const struct node_fixed node_fixed_dirs[];
extern const size_t node_fixed_n;

/* The name of the subdirectory that n is; NULL: an object's own directory. */
static inline const char *node_subdirectory(const struct node *n)
{
	return n->attr ? n->attr->name : NULL;
}
