/* SPDX-License-Identifier: Apache-2.0 */
/* drafts.c with the hooks of attr_draft.c: copies, and writes that are all or nothing. */
#include "fs/life/drafts.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/attr/attr_handlers.h"
#include "fs/tree/ino.h"
#include "k8s/base/cleanup.h"

static struct config config = { .image = (char[]){ "localhost/w:1" },
				.default_ttl_hours = 4,
				.max_ttl_hours = 48 };
static struct weaverfs fs = { .config = &config, .uid = 7, .gid = 8 };

static int set_up(void **state)
{
	return drafts_new(&fs, (struct drafts **)state, NULL);
}

static int tear_down(void **state)
{
	drafts_free(*state);
	return 0;
}

static uint64_t make(struct drafts *d, const char *name)
{
	struct drafts_view v;

	assert_int_equal(drafts_make(d, name, 1, 2, 0755, &v, NULL), 0);
	uint64_t object = v.object;
	assert_string_equal(v.name, name);
	assert_int_equal(v.mode, 0700);
	assert_int_equal(v.weaver_mode, 0750);
	drafts_view_done(&v);
	return object;
}

static int write_as(struct drafts *d, uint64_t object,
		    int (*hook)(struct podspec *, const char *, size_t, struct error *),
		    const char *text, struct error *e)
{
	const struct attr a = { .name = "x", .draft = hook };

	return drafts_write(d, object, &a, text, strlen(text), e);
}

static struct podspec *spec_of(struct drafts *d, uint64_t object)
{
	struct drafts_view v;

	assert_int_equal(drafts_find(d, object, &v), 0);
	struct podspec *s = podspec_ref(v.spec);
	drafts_view_done(&v);
	return s;
}

static void make_copies_the_defaults(void **state)
{
	struct drafts *d = *state;

	assert_int_equal(write_as(d, INO_OBJECT_DEFAULTS, cpu_draft, "2", NULL), 0);
	uint64_t a = make(d, "a");
	assert_int_equal(write_as(d, INO_OBJECT_DEFAULTS, cpu_draft, "3", NULL), 0);
	_cleanup_(podspec_unrefp) struct podspec *s = spec_of(d, a), *defaults = drafts_defaults(d);
	assert_string_equal(s->cpu, "2");
	assert_string_equal(defaults->cpu, "3");
	assert_string_equal(s->image, "localhost/w:1");
	assert_int_equal(s->ttl_s, 4 * 3600);
}

static void names_are_weavers_names_and_once(void **state)
{
	struct drafts *d = *state;
	struct drafts_view v;
	struct drafts_name *names;
	size_t n;

	make(d, "a");
	make(d, "b");
	assert_int_equal(drafts_make(d, "a", 1, 2, 0700, &v, NULL), -EEXIST);
	assert_int_equal(drafts_make(d, "A", 1, 2, 0700, &v, NULL), -EINVAL);
	assert_int_equal(drafts_make(d, ".a", 1, 2, 0700, &v, NULL), -EPERM);
	assert_int_equal(drafts_rename(d, "a", "b", NULL), -EEXIST);
	assert_int_equal(drafts_rename(d, "x", "c", NULL), -ENOENT);
	assert_int_equal(drafts_rename(d, "a", "c", NULL), 0);
	assert_int_equal(drafts_remove(d, "a"), -ENOENT);
	assert_int_equal(drafts_lookup(d, "", &v), -ENOENT);
	assert_int_equal(drafts_list(d, &names, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[0].name, "c");
	free(names);
	assert_int_equal(drafts_remove(d, "c"), 0);
	drafts_used(d, INO_OBJECT_DEFAULTS);
	podspec_unref(drafts_defaults(d)); /* they are still there */
}

static void make_has_a_bound(void **state)
{
	struct drafts *d = *state;
	struct drafts_view v;
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		make(d, name);
	}
	assert_int_equal(drafts_make(d, "more", 1, 2, 0700, &v, NULL), -EDQUOT);
	assert_int_equal(drafts_remove(d, "d500"), 0);
	make(d, "more");
}

static void write_bad_value_changes_nothing(void **state)
{
	struct drafts *d = *state;
	uint64_t a = make(d, "a");
	struct error e = ERROR_INIT;

	assert_int_equal(write_as(d, a, env_draft, "A=1", NULL), 0);
	_cleanup_(podspec_unrefp) struct podspec *before = spec_of(d, a);
	assert_int_equal(write_as(d, a, image_draft, "A B", &e), -EINVAL);
	assert_int_equal(write_as(d, a, env_draft, "B=1\n1=", &e), -EINVAL);
	assert_int_equal(write_as(d, a, secrets_draft, "A=1", &e), -EINVAL);
	assert_int_equal(write_as(d, a, ttl_draft, "49h", &e), -ERANGE);
	assert_int_equal(write_as(d, a, ttl_draft, "-4h", &e), -EINVAL);
	assert_int_equal(write_as(d, a, hold_draft, "2", &e), -EINVAL);
	assert_int_equal(write_as(d, a, command_draft, "[\"a\",1]", &e), -EINVAL);
	assert_int_equal(write_as(d, a, command_draft, "[\"a\"", &e), -EINVAL);
	_cleanup_(podspec_unrefp) struct podspec *after = spec_of(d, a);
	assert_ptr_equal(before, after);
	assert_int_equal(write_as(d, 12345678, hold_draft, "1", &e), -ENOENT);
}

static void write_values(void **state)
{
	struct drafts *d = *state;
	uint64_t a = make(d, "a");

	assert_int_equal(write_as(d, a, command_draft, "sh\n-c\n\na b", NULL), 0);
	assert_int_equal(write_as(d, a, args_draft, "[\"x\\ny\", \"\"] ", NULL), 0);
	assert_int_equal(write_as(d, a, ttl_draft, "+1h", NULL), 0);
	assert_int_equal(write_as(d, a, tags_draft, "k=v=w\nl=\n", NULL), 0);
	assert_int_equal(write_as(d, a, workdir_draft, "/x", NULL), 0);
	assert_int_equal(write_as(d, a, workdir_draft, "", NULL), 0);
	_cleanup_(podspec_unrefp) struct podspec *s = spec_of(d, a);
	assert_string_equal(s->command[2], "");
	assert_string_equal(s->command[3], "a b");
	assert_null(s->command[4]);
	assert_string_equal(s->args[0], "x\ny");
	assert_string_equal(s->args[1], "");
	assert_null(s->args[2]);
	assert_int_equal(s->ttl_s, 5 * 3600);
	assert_int_equal(s->n_tags, 2);
	assert_string_equal(s->tags[0].value, "v=w");
	assert_null(s->workdir);
}

#define WRITES 200

static void *writer(void *data)
{
	struct drafts *d = data;

	for (int i = 0; i < WRITES; i++)
		write_as(d, INO_OBJECT_DEFAULTS, ttl_draft, "+1", NULL);
	return NULL;
}

static void write_from_two_threads_loses_none(void **state)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, *state), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	_cleanup_(podspec_unrefp) struct podspec *s = drafts_defaults(*state);
	assert_int_equal(s->ttl_s, 4 * 3600 + 2 * WRITES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(make_copies_the_defaults),
		TEST(names_are_weavers_names_and_once),
		TEST(make_has_a_bound),
		TEST(write_bad_value_changes_nothing),
		TEST(write_values),
		TEST(write_from_two_threads_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
