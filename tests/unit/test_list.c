/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/list.h: order, unlinking, and removal while walking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "k8s/base/list.h"

struct item {
	int key;
	struct list node;
};

static void assert_keys(struct list *head, const int *keys, size_t n)
{
	size_t i = 0;

	list_for_each(item, head, struct item, node) {
		assert_true(i < n);
		assert_int_equal(item->key, keys[i++]);
	}
	assert_int_equal(i, n);
}

static void list_empty_new_is_true(void **state)
{
	struct list fixed = LIST_INIT(fixed);
	struct list made;

	(void)state;
	list_init(&made);
	assert_true(list_empty(&fixed));
	assert_true(list_empty(&made));
	assert_keys(&fixed, NULL, 0);
}

static void list_push_both_ends_keeps_order(void **state)
{
	struct list head = LIST_INIT(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 }, d = { 4 };

	(void)state;
	list_push_back(&head, &b.node);
	list_push_back(&head, &d.node);
	list_push_front(&head, &a.node);
	list_insert(&c.node, &b.node);
	assert_false(list_empty(&head));
	assert_keys(&head, (const int[]){ 1, 2, 3, 4 }, 4);
	assert_ptr_equal(list_entry(head.prev, struct item, node), &d);
}

static void list_remove_linked_closes_the_gap(void **state)
{
	struct list head = LIST_INIT(head);
	struct item a = { 1 }, b = { 2 }, c = { 3 };

	(void)state;
	list_push_back(&head, &a.node);
	list_push_back(&head, &b.node);
	list_push_back(&head, &c.node);
	list_remove(&b.node);
	assert_keys(&head, (const int[]){ 1, 3 }, 2);
	assert_true(list_empty(&b.node));
	list_remove(&b.node); /* safe when unlinked */
	assert_keys(&head, (const int[]){ 1, 3 }, 2);
	list_push_front(&head, &b.node);
	assert_keys(&head, (const int[]){ 2, 1, 3 }, 3);
}

static void list_for_each_body_may_free(void **state)
{
	struct list head = LIST_INIT(head);

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct item *item = malloc(sizeof(*item));

		assert_non_null(item);
		item->key = i;
		list_push_back(&head, &item->node);
	}
	list_for_each(item, &head, struct item, node) {
		if (item->key % 3) {
			list_remove(&item->node);
			free(item);
		}
	}
	assert_keys(&head, (const int[]){ 0, 3, 6, 9 }, 4);
	list_for_each(item, &head, struct item, node) {
		list_remove(&item->node);
		free(item);
	}
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_empty_new_is_true),
		cmocka_unit_test(list_push_both_ends_keeps_order),
		cmocka_unit_test(list_remove_linked_closes_the_gap),
		cmocka_unit_test(list_for_each_body_may_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
