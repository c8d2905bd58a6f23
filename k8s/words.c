/* SPDX-License-Identifier: Apache-2.0 */
/* One hash table behind one lock; entries are never freed, so that pointers to them need no owner.
 */
#include "k8s/words.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/hash.h"
#include "k8s/base/lock.h"

struct word {
	struct hash_node by_text;
	char text[];
};

static struct lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_LEAF };
static struct hash table = HASH_INIT; /* lock */

static const char *find_locked(const char *s, uint64_t hash)
{
	lock_assert_held(&lock);
	hash_for_each_match(w, &table, hash, struct word, by_text) {
		if (strcmp(w->text, s) == 0)
			return w->text;
	}
	return NULL;
}

static const char *add_locked(const char *s, uint64_t hash)
{
	size_t size = strlen(s) + 1;

	lock_assert_held(&lock);
	if (table.count >= WORDS_MAX)
		return NULL;
	struct word *w = malloc(sizeof(*w) + size);
	if (!w)
		return NULL;
	memcpy(w->text, s, size);
	if (hash_insert(&table, &w->by_text, hash) < 0) {
		free(w);
		return NULL;
	}
	return w->text;
}

const char *words_get(const char *s)
{
	if (strlen(s) > WORDS_LENGTH_MAX)
		return NULL;
	uint64_t hash = hash_str(s);
	lock_guard(&lock);
	const char *found = find_locked(s, hash);
	return found ? found : add_locked(s, hash);
}
