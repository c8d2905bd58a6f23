/* SPDX-License-Identifier: Apache-2.0 */
/* fs/archive/archive_purge.c: by rmdir, by age, by bytes. */
#include "tests/unit/archive_fixture.h"

static int purged; /* 1: not yet */

static void on_purged(void *data, int r, const struct error *e)
{
	assert_ptr_equal(data, &purged);
	assert_int_equal(purged, 1);
	assert_true((r < 0) == (e != NULL));
	assert_int_equal(n_errors, r < 0); /* it is in .weaverfs/errors */
	n_errors = 0;
	purged = r;
}

static void purge(const char *name)
{
	purged = 1;
	archive_purge(fs.archive, name, &(struct caller){ .uid = 1000 }, on_purged, &purged);
	assert_int_equal(purged, 1);
	fake_run();
}

static void close_entry(void)
{
	weaver_leaves();
	weaver_gone();
	end_log(true);
	fake_run();
}

static void purge_of_one_that_is_over_removes_it(void **state)
{
	(void)state;
	close_entry();
	purge(NAME);
	assert_int_equal(purged, 0);
	assert_false(entry_exists());
	assert_non_null(strstr(pokes, "own " NAME "\n"));
	assert_null(strstr(pokes, "removed"));
	stop();
	start();
	assert_false(entry_exists());
	purge(NAME);
	assert_int_equal(purged, -ENOENT);
}

static void purge_of_one_that_terminates_forces_the_end(void **state)
{
	(void)state;
	weaver_leaves();
	purge(NAME);
	assert_int_equal(purged, 1);
	struct request *r = fake_request();
	assert_int_equal(r->spec.method, REQUEST_DELETE);
	assert_non_null(strstr(r->path, "/pods/weaver-x"));
	assert_non_null(strstr(r->body, "\"gracePeriodSeconds\":0"));
	assert_non_null(strstr(r->body, UID));
	fake_answer(r, 200, 0, "{}");
	assert_int_equal(purged, 0);
	assert_false(entry_exists());
	/* What the watch says then brings it not back. */
	archive_pod_changed(fs.archive, UID, false);
	weaver_gone();
	assert_false(entry_exists());
}

static void purge_that_is_refused_keeps_it(void **state)
{
	(void)state;
	weaver_leaves();
	purge(NAME);
	fake_answer(fake_request(), 403, EACCES, "");
	assert_int_equal(purged, -EACCES);
	assert_true(terminating());
}

static void purge_at_the_mounts_end_is_answered(void **state)
{
	(void)state;
	weaver_leaves();
	purge(NAME);
	stop();
	assert_int_equal(purged, -EIO);
	start();
}

static void entries_go_by_age(void **state)
{
	(void)state;
	close_entry();
	fake_advance(72LL * 3600 * 1000 - 1000);
	assert_true(entry_exists());
	fake_advance(2000);
	assert_false(entry_exists());
	assert_non_null(strstr(pokes, "removed " NAME "\n"));
}

static void entries_go_by_bytes(void **state)
{
	(void)state;
	config.archive_max_bytes = 1000;
	weaver_leaves();
	assert_true(entry_exists());
	weaver_gone();
	end_log(true);
	fake_run();
	assert_false(entry_exists());
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(purge_of_one_that_is_over_removes_it),
		TEST(purge_of_one_that_terminates_forces_the_end),
		TEST(purge_that_is_refused_keeps_it),
		TEST(purge_at_the_mounts_end_is_answered),
		TEST(entries_go_by_age),
		TEST(entries_go_by_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
