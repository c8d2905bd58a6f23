/* SPDX-License-Identifier: Apache-2.0 */
/* fs/tree/alias.c: numbers that the kernel counts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/tree/alias.h"
#include "fs/tree/ino.h"

#define WEAVER 0x123456789abULL

static struct aliases *make(void)
{
	struct aliases *a = NULL;

	assert_int_equal(alias_new(&a, NULL), 0);
	return a;
}

static void alias_take_without_port_gives_another_each_time(void **state)
{
	struct aliases *a = make();
	const struct alias what = { .object = WEAVER, .row = 7 };
	struct alias found;
	fuse_ino_t one, two;

	(void)state;
	assert_int_equal(alias_take(a, &what, &one), 0);
	assert_int_equal(alias_take(a, &what, &two), 0);
	assert_int_not_equal(one, two);
	assert_int_equal(ino_row(one), 7);
	assert_true(ino_object(one) >= INO_OBJECT_FIRST);
	assert_int_equal(alias_find(a, two, &found), 0);
	assert_true(found.object == WEAVER);
	assert_int_equal(found.row, 7);
	alias_free(a);
}

static void alias_take_of_a_port_is_the_same_on_every_mount(void **state)
{
	struct aliases *a = make(), *b = make();
	const struct alias http = { .object = WEAVER, .row = 9, .port = 80 };
	const struct alias other = { .object = WEAVER, .row = 9, .port = 81 };
	fuse_ino_t one, two, three;

	(void)state;
	assert_int_equal(alias_take(a, &http, &one), 0);
	assert_int_equal(alias_take(b, &http, &two), 0);
	assert_int_equal(alias_take(a, &other, &three), 0);
	assert_int_equal(one, two);
	assert_int_not_equal(one, three);
	alias_free(a);
	alias_free(b);
}

static void alias_forget_of_the_last_look_up_ends_it(void **state)
{
	struct aliases *a = make();
	const struct alias what = { .object = WEAVER, .row = 9, .port = 80 };
	struct alias found;
	fuse_ino_t ino;

	(void)state;
	assert_int_equal(alias_take(a, &what, &ino), 0);
	assert_int_equal(alias_take(a, &what, &ino), 0);
	alias_again(a, ino);
	alias_forget(a, ino, 2);
	assert_int_equal(alias_find(a, ino, &found), 0);
	assert_int_equal(found.port, 80);
	alias_forget(a, ino, 1);
	assert_int_equal(alias_find(a, ino, &found), -ENOENT);
	alias_forget(a, ino, 1);
	alias_again(a, ino);
	assert_int_equal(alias_find(a, ino, &found), -ENOENT);
	alias_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alias_take_without_port_gives_another_each_time),
		cmocka_unit_test(alias_take_of_a_port_is_the_same_on_every_mount),
		cmocka_unit_test(alias_forget_of_the_last_look_up_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
