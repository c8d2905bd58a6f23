/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table keeps at most one object a bucket on average. Doubling that fails for lack of memory
 * only makes chains longer; an insert fails when there is no bucket at all.
 */
#include "k8s/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_MIN 16

static struct hash_node **bucket_of(const struct hash *h, uint64_t hash)
{
	return &h->buckets[hash & (h->size - 1)];
}

static int hash_grow(struct hash *h)
{
	struct hash old = *h;
	size_t size = old.size ? old.size * 2 : HASH_MIN;
	struct hash_node **buckets = calloc(size, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	h->buckets = buckets;
	h->size = size;
	for (size_t i = 0; i < old.size; i++) {
		for (struct hash_node *n = old.buckets[i], *next; n; n = next) {
			struct hash_node **b = bucket_of(h, n->hash);

			next = n->next;
			n->next = *b;
			*b = n;
		}
	}
	free(old.buckets);
	return 0;
}

void hash_done(struct hash *h)
{
	free(h->buckets);
	*h = (struct hash)HASH_INIT;
}

int hash_insert(struct hash *h, struct hash_node *n, uint64_t hash)
{
	if (h->count >= h->size && hash_grow(h) < 0 && h->size == 0)
		return -ENOMEM;

	struct hash_node **b = bucket_of(h, hash);

	n->hash = hash;
	n->next = *b;
	*b = n;
	h->count++;
	return 0;
}

bool hash_remove(struct hash *h, struct hash_node *n)
{
	if (h->size == 0)
		return false;
	for (struct hash_node **p = bucket_of(h, n->hash); *p; p = &(*p)->next) {
		if (*p == n) {
			*p = n->next;
			n->next = NULL;
			h->count--;
			return true;
		}
	}
	return false;
}

static struct hash_node *first_match(struct hash_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hash_node *hash_first(const struct hash *h, uint64_t hash)
{
	return h->size ? first_match(*bucket_of(h, hash), hash) : NULL;
}

struct hash_node *hash_next(const struct hash_node *n)
{
	return first_match(n->next, n->hash);
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: offset basis and prime */

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;

	/* fmix64: FNV's low bits depend on few of the input's, and they choose the bucket */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	h ^= h >> 33;
	return h;
}

uint64_t hash_str(const char *s)
{
	return hash_bytes(s, strlen(s));
}
