/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive chained hash table; it grows by doubling and owns only its bucket array. Keys stay in
 * the objects: a lookup gives the 64-bit hash of the key and walks the candidates:
 *
 *	hash_for_each_match(w, &t, hash_str(name), struct weaver, by_name)
 *		if (strcmp(w->name, name) == 0)
 *			return w;
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/cleanup.h"

struct hash_node {
	struct hash_node *next;
	uint64_t hash;
};

struct hash {
	struct hash_node **buckets; /* NULL until the first insert */
	size_t size;                /* a power of two, or 0 */
	size_t count;
};

/* clang-format off */
#define HASH_INIT { 0 }
/* clang-format on */

void hash_done(struct hash *h);                                      /* frees the buckets alone */
int hash_insert(struct hash *h, struct hash_node *n, uint64_t hash); /* 0 or -ENOMEM */
bool hash_remove(struct hash *h, struct hash_node *n);               /* whether it was there */
struct hash_node *hash_first(const struct hash *h, uint64_t hash);   /* NULL: none */
struct hash_node *hash_next(const struct hash_node *n);              /* same hash; NULL: none */

/*
 * A 64-bit hash of bytes that never changes between releases and machines (FNV-1a, then the
 * finaliser of MurmurHash3): inode numbers are made from it.
 */
uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_str(const char *s);

#define hash_entry(node, type, member)                                                             \
	({                                                                                         \
		struct hash_node *_n = (node);                                                     \
		_n ? container_of(_n, type, member) : NULL;                                        \
	})
#define hash_for_each_match(pos, h, hashvalue, type, member)                                       \
	for (type *pos = hash_entry(hash_first(h, hashvalue), type, member); pos;                  \
	     pos = hash_entry(hash_next(&pos->member), type, member))
