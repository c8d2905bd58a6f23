/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/log_file.c: logs that the archive keeps, though nobody reads them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/logs_fixture.h"

static unsigned n_changes;

static void keeper_changed(struct logs_keeper *k)
{
	assert_non_null(k->file);
	n_changes++;
}

static void start_keeping(struct logs_keeper *k, bool complete)
{
	struct registry_view v;

	n_changes = 0;
	*k = (struct logs_keeper){ .changed = keeper_changed };
	assert_int_equal(view(&v, OBJECT), 0);
	assert_int_equal(logs_keep(logs, k, &v, complete, NULL), 0);
	registry_view_done(&v);
}

static void vanish(void)
{
	gone = true;
	present = false;
	logs_pod_changed(logs, UID, true);
}

static void keep_follows_until_the_end(void **state)
{
	struct logs_keeper k;
	bool complete = true;

	(void)state;
	start_keeping(&k, false);
	assert_non_null(stream);
	caught_up(0);
	fake_advance(600000);
	assert_non_null(stream); /* nobody reads, and it goes on */
	lines("one\n", 5);
	assert_int_equal(n_changes, 1);
	assert_int_equal(logs_kept_position(&k)->last_ns, 5);
	assert_false(logs_kept_ended(&k, &complete));
	assert_false(complete);
	vanish();
	assert_true(spool_exists(UID));
	lines("two\n", 6);
	ended();
	assert_null(stream);
	assert_int_equal(n_changes, 3);
	assert_true(logs_kept_ended(&k, &complete));
	assert_true(complete);
	assert_string_equal(content(logs_kept_spool(&k)), "one\ntwo\n");
	logs_unkeep(&k, false);
	spool_unref(registered);
	registered = NULL;
	assert_false(spool_exists(UID));
}

static void keep_of_one_gone_too_early_ends_with_a_gap(void **state)
{
	struct logs_keeper k;
	bool complete = true;

	(void)state;
	start_keeping(&k, false);
	lines("one\n", INT64_C(1790000000000000000));
	vanish();
	stream_complete = false;
	ended();
	stream_complete = true;
	assert_true(logs_kept_ended(&k, &complete));
	assert_false(complete);
	assert_non_null(strstr(content(logs_kept_spool(&k)),
			       "one\n[weaverfs: gap 2026-09-21T14:13:20.000000000Z .. "));
	logs_unkeep(&k, false);
}

static void keep_of_a_complete_log_asks_nothing(void **state)
{
	struct logs_keeper k;
	bool complete = false;

	(void)state;
	start_keeping(&k, true);
	assert_null(stream);
	assert_true(logs_kept_ended(&k, &complete));
	assert_true(complete);
	logs_unkeep(&k, false);
	assert_null(registered); /* a log that nobody has opened holds no file open */
	assert_true(spool_exists(UID));
}

static void unkeep_sparing_leaves_the_spool_of_the_gone(void **state)
{
	struct logs_keeper k;

	(void)state;
	start_keeping(&k, false);
	lines("one\n", 5);
	vanish();
	logs_unkeep(&k, true);
	assert_null(stream);
	spool_unref(registered);
	registered = NULL;
	assert_true(spool_exists(UID));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(keep_follows_until_the_end),
		TEST(keep_of_one_gone_too_early_ends_with_a_gap),
		TEST(keep_of_a_complete_log_asks_nothing),
		TEST(unkeep_sparing_leaves_the_spool_of_the_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
