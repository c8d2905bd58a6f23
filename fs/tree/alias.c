/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/alias.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/tree/ino.h"
#include "k8s/base/hash.h"
#include "k8s/base/lock.h"

struct aliases {
	struct lock lock; /* LOCK_LEAF, guards all */
	struct hash by_ino;
	uint64_t made; /* salt of numbers that are made once */
};

struct alias_entry {
	struct hash_node by_ino;
	struct alias what;
	fuse_ino_t ino;
	uint64_t lookups;
};

int alias_new(struct aliases **ret, struct error *e)
{
	struct aliases *a = calloc(1, sizeof(*a));

	if (!a)
		return error_oom(e);
	lock_init(&a->lock, LOCK_LEAF);
	*ret = a;
	return 0;
}

void alias_free(struct aliases *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->by_ino.size; i++) {
		struct hash_node *next;
		for (struct hash_node *n = a->by_ino.buckets[i]; n; n = next) {
			next = n->next;
			free(container_of(n, struct alias_entry, by_ino));
		}
	}
	hash_done(&a->by_ino);
	lock_done(&a->lock);
	free(a);
}

static struct alias_entry *find_locked(const struct aliases *a, fuse_ino_t ino)
{
	hash_for_each_match(entry, &a->by_ino, hash_bytes(&ino, sizeof(ino)), struct alias_entry,
			    by_ino)
		if (entry->ino == ino)
			return entry;
	return NULL;
}

/* A port's number is the same on every mount and after every restart. */
static fuse_ino_t number(const struct alias *what, uint64_t salt)
{
	const uint64_t key[] = { what->object, what->port, salt };
	uint64_t object = hash_bytes(key, sizeof(key)) & ((1ULL << 56) - 1);

	return ino_make(object < INO_OBJECT_FIRST ? object + INO_OBJECT_FIRST : object, what->row);
}

static bool is_same(const struct alias *a, const struct alias *b)
{
	return a->object == b->object && a->row == b->row && a->port == b->port && a->port != 0;
}

int alias_take(struct aliases *a, const struct alias *what, fuse_ino_t *ret)
{
	lock_guard(&a->lock);
	fuse_ino_t ino = number(what, what->port ? 0 : ++a->made);
	struct alias_entry *entry = find_locked(a, ino);

	for (; entry && !is_same(&entry->what, what); entry = find_locked(a, ino))
		ino = number(what, ++a->made);
	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		entry->what = *what;
		entry->ino = ino;
		if (hash_insert(&a->by_ino, &entry->by_ino, hash_bytes(&ino, sizeof(ino))) < 0) {
			free(entry);
			return -ENOMEM;
		}
	}
	entry->lookups++;
	*ret = ino;
	return 0;
}

void alias_again(struct aliases *a, fuse_ino_t ino)
{
	lock_guard(&a->lock);
	struct alias_entry *entry = find_locked(a, ino);

	if (entry)
		entry->lookups++;
}

int alias_find(struct aliases *a, fuse_ino_t ino, struct alias *ret)
{
	lock_guard(&a->lock);
	const struct alias_entry *entry = find_locked(a, ino);

	if (!entry)
		return -ENOENT;
	*ret = entry->what;
	return 0;
}

void alias_forget(struct aliases *a, fuse_ino_t ino, uint64_t n)
{
	lock_guard(&a->lock);
	struct alias_entry *entry = find_locked(a, ino);

	if (!entry)
		return;
	entry->lookups = entry->lookups > n ? entry->lookups - n : 0;
	if (entry->lookups > 0)
		return;
	hash_remove(&a->by_ino, &entry->by_ino);
	free(entry);
}
