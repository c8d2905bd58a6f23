/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of entries, each in a hash table by its address; a slot that is used again leaves it. */
#include "sidecar/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "k8s/base/clock.h"
#include "k8s/base/hash.h"

struct entry {
	struct hash_node by_address;
	char *name; /* owned; NULL: the slot is not in use */
	int64_t until_ns;
	uint8_t family;
	uint8_t bytes[16];
};

struct names {
	struct hash table;
	unsigned next; /* slot to use */
	struct entry entries[NAMES_MAX];
};

struct names *names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < NAMES_MAX; i++)
		free(n->entries[i].name);
	hash_done(&n->table);
	free(n);
}

static size_t address_len(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static struct entry *find(const struct names *n, uint8_t family, const uint8_t *bytes)
{
	size_t len = address_len(family);

	hash_for_each_match(x, &n->table, hash_bytes(bytes, len), struct entry, by_address)
		if (x->family == family && memcmp(x->bytes, bytes, len) == 0)
			return x;
	return NULL;
}

/* An address that is known keeps its slot: its age in the ring does not matter much. */
static void add_one(struct names *n, const char *name, const struct dns_address *a, int64_t now_ns)
{
	struct entry *x = find(n, a->family, a->bytes);
	char *copy = x && strcmp(x->name, name) == 0 ? x->name : strdup(name);
	int64_t ttl = a->ttl < NAMES_TTL_MIN_S   ? NAMES_TTL_MIN_S
		      : a->ttl > NAMES_TTL_MAX_S ? NAMES_TTL_MAX_S
						 : a->ttl;

	if (!copy)
		return; /* a connect without a name is still a connect */
	if (!x) {
		x = &n->entries[n->next];
		n->next = (n->next + 1) % NAMES_MAX;
		if (x->name)
			hash_remove(&n->table, &x->by_address);
		x->family = a->family;
		memcpy(x->bytes, a->bytes, sizeof(x->bytes));
		if (hash_insert(&n->table, &x->by_address,
				hash_bytes(x->bytes, address_len(x->family))) < 0) {
			free(copy);
			free(x->name);
			x->name = NULL;
			return;
		}
	}
	if (copy != x->name)
		free(x->name);
	x->name = copy;
	x->until_ns = now_ns + ttl * CLOCK_NS_PER_S;
}

void names_add(struct names *n, const struct dns_message *m, int64_t now_ns)
{
	for (unsigned i = 0; i < m->count; i++)
		add_one(n, m->name, &m->addresses[i], now_ns);
}

const char *names_find(struct names *n, uint8_t family, const uint8_t *bytes, int64_t now_ns)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		bytes += 12;
	}
	struct entry *x = find(n, family, bytes);

	return x && x->until_ns > now_ns ? x->name : NULL;
}
