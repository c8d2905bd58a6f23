/* SPDX-License-Identifier: Apache-2.0 */
/* archive_values.c: what is found in a directory of one file with many, and one of its own. */
#include "fs/archive/archive_values.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"

static char dir[64];

static void put(const char *name, const char *bytes, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/archive-values-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "own", ARCHIVE_VALUES };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static void assert_file(const char *name, const char *content)
{
	char text[64];
	int fd = archive_values_open(dir, name);

	assert_true(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, content);
	assert_int_equal(archive_values_size(dir, name), strlen(content));
}

static void archive_values_finds_each_and_the_own_file_first(void **state)
{
	_cleanup_(buf_done) struct buf values = BUF_INIT;

	(void)state;
	archive_values_add(&values, "a", "b 3\nxyz\n", 8); /* looks like the next one */
	archive_values_add(&values, "empty", "", 0);
	archive_values_add(&values, "own", "old\n", 4);
	archive_values_add(&values, "b", "last", 4);
	put(ARCHIVE_VALUES, buf_str(&values), values.len);
	put("own", "new\n", 4);
	assert_file("a", "b 3\nxyz\n");
	assert_file("empty", "");
	assert_file("own", "new\n");
	assert_file("b", "last");
	assert_file("none", "");
	assert_file("la", "");
}

static void archive_values_without_its_file_is_empty(void **state)
{
	(void)state;
	assert_file("a", "");
	put("own", "new\n", 4);
	assert_file("own", "new\n");
}

/* A file system that lost a tail. */
static void archive_values_cut_short_is_empty_from_there(void **state)
{
	(void)state;
	put(ARCHIVE_VALUES, "a 2\nx\nb 9\ncut", 13);
	assert_file("a", "x\n");
	assert_file("b", "");
	put(ARCHIVE_VALUES, "no length\n", 10);
	assert_file("a", "");
	assert_file("no", "");
	put(ARCHIVE_VALUES, "a", 1);
	assert_file("a", "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(archive_values_finds_each_and_the_own_file_first),
		TEST(archive_values_without_its_file_is_empty),
		TEST(archive_values_cut_short_is_empty_from_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
