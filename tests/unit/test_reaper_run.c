/* SPDX-License-Identifier: Apache-2.0 */
/* reaper_run() of fs/life/reaper.c: whoever has asked for a run is told its end. */
#include "tests/unit/reaper_fixture.h"

static struct {
	int called, code;
	char text[sizeof(((struct error *)0)->text)];
} told;

static void on_told(struct act *a, const struct error *e)
{
	(void)a;
	told.called++;
	told.code = e ? e->code : 0;
	snprintf(told.text, sizeof(told.text), "%s", e ? e->text : "");
}

static void reaper_run_tells_when_all_is_done(void **state)
{
	struct act first = { .done = on_told }, second = { .done = on_told };

	(void)state;
	start();
	memset(&told, 0, sizeof(told));
	reaper_run(reaper, &first);
	assert_int_equal(told.called, 1); /* nothing was to do */
	for (size_t i = 0; i < 40; i++)
		put(i, -5);
	reaper_run(reaper, &first);
	reaper_run(reaper, &second);
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(told.called, 1);
		accept_one();
	}
	assert_int_equal(told.called, 3);
	assert_int_equal(told.code, 0);
	assert_int_equal(fake_requests_made, 40);
}

static void reaper_run_tries_again_at_once_and_tells_the_failure(void **state)
{
	struct act a = { .done = on_told };

	(void)state;
	put(0, -5);
	put(1, -5);
	start();
	fake_answer(fake_request(), 500, EIO, "");
	accept_one();
	memset(&told, 0, sizeof(told));
	reaper_run(reaper, &a); /* not after ten seconds */
	assert_int_equal(fake_requests_out(), 1);
	fake_answer(fake_request(), 403, EACCES, "");
	assert_int_equal(told.called, 1);
	assert_int_equal(told.code, EACCES);
	assert_string_equal(told.text, "w0: the server says 403");
	reaper_run(reaper, &a);
	accept_one();
	assert_int_equal(told.called, 2);
	assert_int_equal(told.code, 0);
}

/* Extended on another mount meanwhile: that is no failure. */
static void reaper_run_conflict_is_none(void **state)
{
	struct act a = { .done = on_told };

	(void)state;
	start();
	put(0, -5);
	memset(&told, 0, sizeof(told));
	reaper_run(reaper, &a);
	fake_answer(fake_request(), 409, EBUSY, "");
	assert_int_equal(told.called, 1);
	assert_int_equal(told.code, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(reaper_run_tells_when_all_is_done),
		TEST(reaper_run_tries_again_at_once_and_tells_the_failure),
		TEST(reaper_run_conflict_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
