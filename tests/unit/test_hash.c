/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/hash.c: the table under collisions and growth, and the hash that inode numbers rest on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/hash.h"

struct item {
	int key;
	struct hash_node node;
};

static struct item *find(const struct hash *h, uint64_t hash, int key)
{
	hash_for_each_match(item, h, hash, struct item, node) {
		if (item->key == key)
			return item;
	}
	return NULL;
}

static void hash_first_empty_is_null(void **state)
{
	_cleanup_(hash_done) struct hash h = HASH_INIT;
	struct item item = { 0 };

	(void)state;
	assert_null(hash_first(&h, 0));
	assert_false(hash_remove(&h, &item.node));
	assert_null(find(&h, 1, 1));
}

static void hash_insert_many_finds_all(void **state)
{
	enum { COUNT = 5000 };
	static struct item items[COUNT];
	_cleanup_(hash_done) struct hash h = HASH_INIT;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		items[i].key = i;
		assert_int_equal(hash_insert(&h, &items[i].node, hash_bytes(&i, sizeof(i))), 0);
		assert_true(h.size >= h.count && (h.size & (h.size - 1)) == 0);
	}
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&h, hash_bytes(&i, sizeof(i)), i), &items[i]);
	for (int i = 0; i < COUNT; i += 2)
		assert_true(hash_remove(&h, &items[i].node));
	assert_int_equal(h.count, COUNT / 2);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&h, hash_bytes(&i, sizeof(i)), i), i % 2 ? &items[i] : NULL);
}

static void hash_next_same_hash_walks_all(void **state)
{
	enum { COUNT = 100 };
	static struct item items[COUNT];
	_cleanup_(hash_done) struct hash h = HASH_INIT;
	int seen = 0;

	(void)state;
	/* two hashes that share every bucket, in turn */
	for (int i = 0; i < COUNT; i++) {
		items[i].key = i;
		hash_insert(&h, &items[i].node, i % 2 ? 7 : UINT64_C(7) | UINT64_C(1) << 63);
	}
	hash_for_each_match(item, &h, 7, struct item, node) {
		assert_int_equal(item->key % 2, 1);
		seen++;
	}
	assert_int_equal(seen, COUNT / 2);
	for (int i = 0; i < COUNT; i++)
		assert_ptr_equal(find(&h, items[i].node.hash, i), &items[i]);
}

static void hash_remove_absent_is_false(void **state)
{
	struct item a = { .key = 1 }, b = { .key = 2 };
	_cleanup_(hash_done) struct hash h = HASH_INIT;

	(void)state;
	hash_insert(&h, &a.node, 1);
	b.node.hash = 1;
	assert_false(hash_remove(&h, &b.node));
	assert_true(hash_remove(&h, &a.node));
	assert_false(hash_remove(&h, &a.node));
	assert_int_equal(h.count, 0);
	assert_int_equal(hash_insert(&h, &a.node, 2), 0);
	assert_ptr_equal(find(&h, 2, 1), &a);
	assert_null(find(&h, 1, 1));
}

static void hash_done_used_is_empty_again(void **state)
{
	struct hash h = HASH_INIT;
	struct item a = { .key = 1 };

	(void)state;
	hash_insert(&h, &a.node, 1);
	hash_done(&h);
	assert_null(hash_first(&h, 1));
	assert_int_equal(h.size + h.count, 0);
	hash_done(&h);
}

/* The reference values come from an implementation of FNV-1a and fmix64 in Python. */
static void hash_bytes_known_input_never_changes(void **state)
{
	(void)state;
	assert_true(hash_bytes(NULL, 0) == UINT64_C(0xefd01f60ba992926));
	assert_true(hash_str("a") == UINT64_C(0x82a2a958a9bece5b));
	assert_true(hash_str("weaver") == UINT64_C(0x9d2135a3536d0da6));
	assert_true(hash_bytes("\xff\0\x80", 3) == UINT64_C(0x7b5cbebc9388e00));
}

static void hash_str_one_bit_changes_half(void **state)
{
	char key[] = "0192f7a0-0000-7000-8000-000000000000";
	uint64_t base = hash_str(key);
	int flipped = 0, tries = 0;

	(void)state;
	for (size_t i = 0; i < strlen(key); i++, tries++) {
		key[i] ^= 1;
		flipped += __builtin_popcountll(base ^ hash_str(key));
		key[i] ^= 1;
	}
	assert_in_range(flipped / tries, 26, 38);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_first_empty_is_null),
		cmocka_unit_test(hash_insert_many_finds_all),
		cmocka_unit_test(hash_next_same_hash_walks_all),
		cmocka_unit_test(hash_remove_absent_is_false),
		cmocka_unit_test(hash_done_used_is_empty_again),
		cmocka_unit_test(hash_bytes_known_input_never_changes),
		cmocka_unit_test(hash_str_one_bit_changes_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
