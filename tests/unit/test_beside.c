/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/beside.c: the neighbour's path, and the bare name where there is no such neighbour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/beside.h"

/* The only neighbour that is there for sure is the test itself. */
static void find_neighbour_its_path(void **state)
{
	char path[PATH_MAX], self[PATH_MAX] = "";

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_true(beside_find(strrchr(self, '/') + 1, path));
	assert_string_equal(path, self);
}

static void find_none_the_name(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_false(beside_find("no-such-program", path));
	assert_string_equal(path, "no-such-program");
}

static void find_too_long_the_name(void **state)
{
	char path[PATH_MAX], name[PATH_MAX - 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(beside_find(name, path));
	assert_string_equal(path, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_neighbour_its_path),
		cmocka_unit_test(find_none_the_name),
		cmocka_unit_test(find_too_long_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
