/* SPDX-License-Identifier: Apache-2.0 */
/* fs/poke_queue.c: what a helper may do, in which order, and what becomes of a command when it dies
 * or when a user is faster. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/ino.h"
#include "fs/metrics.h"
#include "fs/poke_queue.h"

#define ENTRIES 101
#define CHANGES 102
#define USER 7

static struct metrics metrics;
static struct poke_queue q;

static int setup(void **state)
{
	(void)state;
	metrics = (struct metrics){ 0 };
	poke_queue_init(&q, &metrics);
	poke_queue_set_helper(&q, POKE_LANE_ENTRIES, ENTRIES, true);
	poke_queue_set_helper(&q, POKE_LANE_CHANGES, CHANGES, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	poke_queue_done(&q);
	return 0;
}

static void add(enum poke_op op, const char *name, uint64_t object, bool held)
{
	struct poke_what what = { .op = op, .object = object };

	snprintf(what.name, sizeof(what.name), "%s", name);
	poke_queue_add(&q, &what, held);
}

static void change(uint64_t object, unsigned row)
{
	struct poke_what what = { .op = POKE_MODIFY, .object = object, .row = row };

	poke_queue_add(&q, &what, false);
}

static uint64_t missed(void)
{
	return metrics_get(&metrics, METRIC_EVENTS_MISSED);
}

static bool pends(const char *name)
{
	return poke_queue_pending(&q, INO_OBJECT_ROOT, name);
}

static enum poke_view lookup(pid_t who, const char *name)
{
	uint64_t object;

	return poke_queue_lookup(&q, who, INO_OBJECT_ROOT, name, &object);
}

static enum poke_view entry(pid_t who, enum poke_op op, const char *name)
{
	uint64_t object;

	return poke_queue_entry(&q, who, op, INO_OBJECT_ROOT, name, &object);
}

/* The next command of the entries' lane, as "mkdir a 12"; "" when there is none. */
static const char *take(void)
{
	static char text[128];
	struct poke_what what;

	if (!poke_queue_take(&q, POKE_LANE_ENTRIES, &what))
		return "";
	snprintf(text, sizeof(text), "%s %s %u", what.op == POKE_MKDIR ? "mkdir" : "rmdir",
		 what.name, (unsigned)what.object);
	return text;
}

/* The helper does what is out. */
static void obey(enum poke_op op, const char *name)
{
	assert_int_equal(lookup(ENTRIES, name), op == POKE_MKDIR ? POKE_ABSENT : POKE_PRESENT);
	assert_int_equal(entry(ENTRIES, op, name), POKE_DONE);
	poke_queue_finish(&q, POKE_LANE_ENTRIES, 0);
}

static void poke_queue_keeps_order_and_every_entry(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	add(POKE_RMDIR, "a", 1, false);
	add(POKE_MKDIR, "a", 2, false);
	assert_true(pends("a"));
	assert_string_equal(take(), "mkdir a 1");
	assert_string_equal(take(), ""); /* one at a time */
	obey(POKE_MKDIR, "a");
	assert_true(pends("a"));
	assert_string_equal(take(), "rmdir a 1");
	obey(POKE_RMDIR, "a");
	assert_string_equal(take(), "mkdir a 2");
	obey(POKE_MKDIR, "a");
	assert_false(pends("a"));
	assert_int_equal(missed(), 0);
}

static void poke_queue_only_the_helper_has_a_view(void **state)
{
	uint64_t object = 0;

	(void)state;
	add(POKE_RMDIR, "a", 9, false);
	assert_int_equal(entry(ENTRIES, POKE_RMDIR, "a"), POKE_REFUSED); /* not out yet */
	take();
	assert_int_equal(lookup(USER, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(USER, POKE_RMDIR, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(0, POKE_RMDIR, "a"), POKE_NOT_OURS);
	assert_int_equal(lookup(ENTRIES, "b"), POKE_NOT_OURS);
	assert_int_equal(lookup(CHANGES, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(CHANGES, POKE_RMDIR, "a"), POKE_REFUSED);
	assert_int_equal(entry(ENTRIES, POKE_RMDIR, "b"), POKE_REFUSED);
	assert_int_equal(entry(ENTRIES, POKE_MKDIR, "a"), POKE_REFUSED);
	assert_int_equal(poke_queue_lookup(&q, ENTRIES, INO_OBJECT_ARCHIVE, "a", &object),
			 POKE_NOT_OURS);
	assert_int_equal(poke_queue_lookup(&q, ENTRIES, INO_OBJECT_ROOT, "a", &object),
			 POKE_PRESENT);
	assert_int_equal(object, 9);
}

static void poke_queue_died_replays_what_was_not_done(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	add(POKE_MKDIR, "b", 2, false);
	take();
	poke_queue_set_helper(&q, POKE_LANE_ENTRIES, ENTRIES, false);
	assert_int_equal(lookup(ENTRIES, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(ENTRIES, POKE_MKDIR, "a"), POKE_REFUSED); /* the dying one */
	poke_queue_set_helper(&q, POKE_LANE_ENTRIES, 0, false);
	poke_queue_died(&q, POKE_LANE_ENTRIES);
	assert_true(pends("a"));
	poke_queue_set_helper(&q, POKE_LANE_ENTRIES, ENTRIES + 10, true);
	assert_string_equal(take(), "mkdir a 1");
	assert_int_equal(entry(ENTRIES + 10, POKE_MKDIR, "a"), POKE_DONE);
	poke_queue_died(&q, POKE_LANE_ENTRIES); /* the kernel has our answer: it is done */
	assert_string_equal(take(), "mkdir b 2");
	assert_int_equal(missed(), 0);
}

static void poke_queue_died_idle_is_nothing(void **state)
{
	(void)state;
	poke_queue_died(&q, POKE_LANE_ENTRIES);
	add(POKE_MKDIR, "a", 1, false);
	assert_string_equal(take(), "mkdir a 1");
}

static void poke_queue_finish_with_an_error_is_missed(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	take();
	poke_queue_finish(&q, POKE_LANE_ENTRIES, EEXIST);
	assert_int_equal(missed(), 1);
	assert_false(pends("a"));
}

/* A user's rmdir has won against the mkdir that is out and one that waits. */
static void poke_queue_withdraw_refuses_what_is_out(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	add(POKE_MKDIR, "b", 2, false);
	add(POKE_RMDIR, "a", 1, false);
	add(POKE_RMDIR, "a", 3, true); /* held: the user's own */
	take();
	poke_queue_withdraw(&q, INO_OBJECT_ROOT, "a");
	assert_int_equal(missed(), 2);
	assert_int_equal(lookup(ENTRIES, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(ENTRIES, POKE_MKDIR, "a"), POKE_REFUSED);
	poke_queue_finish(&q, POKE_LANE_ENTRIES, EPERM);
	assert_int_equal(missed(), 2); /* counted once */
	assert_string_equal(take(), "mkdir b 2");
	obey(POKE_MKDIR, "b");
	assert_string_equal(take(), "");
	poke_queue_release_held(&q, INO_OBJECT_ROOT, "a");
	assert_string_equal(take(), "rmdir a 3");
}

static void poke_queue_withdraw_leaves_what_is_done(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	take();
	assert_int_equal(entry(ENTRIES, POKE_MKDIR, "a"), POKE_DONE);
	poke_queue_withdraw(&q, INO_OBJECT_ROOT, "a");
	poke_queue_finish(&q, POKE_LANE_ENTRIES, 0);
	assert_int_equal(missed(), 0);
}

static void poke_queue_held_are_dropped_and_released_in_order(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, true);
	add(POKE_MKDIR, "b", 5, true);
	add(POKE_RMDIR, "a", 1, true);
	add(POKE_MKDIR, "a", 2, true);
	assert_true(pends("a"));
	assert_string_equal(take(), "");
	poke_queue_drop_first_held(&q, INO_OBJECT_ROOT, "a");
	poke_queue_release_held(&q, INO_OBJECT_ROOT, "a");
	assert_string_equal(take(), "rmdir a 1");
	obey(POKE_RMDIR, "a");
	assert_string_equal(take(), "mkdir a 2");
	obey(POKE_MKDIR, "a");
	assert_string_equal(take(), "");
	assert_true(pends("b"));
	assert_int_equal(missed(), 0);
}

static void poke_queue_changes_coalesce_until_done(void **state)
{
	struct poke_what what;

	(void)state;
	change(0x10000, 3);
	change(0x10000, 3);
	change(0x10000, 4);
	assert_true(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
	assert_int_equal(what.row, 3);
	change(0x10000, 3); /* out, and not done: the event is still to come */
	assert_int_equal(poke_queue_setattr(&q, USER, 0x10000, 3), POKE_NOT_OURS);
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 0x20000, 3), POKE_REFUSED);
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 0x10000, 4), POKE_REFUSED);
	assert_int_equal(poke_queue_setattr(&q, ENTRIES, 0x10000, 3), POKE_REFUSED);
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 0x10000, 3), POKE_DONE);
	change(0x10000, 3); /* after it */
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0);
	assert_true(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
	assert_int_equal(what.row, 4);
	poke_queue_finish(&q, POKE_LANE_CHANGES, ENOENT); /* gone meanwhile: nobody misses it */
	assert_int_equal(missed(), 0);
	assert_true(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
	assert_int_equal(what.row, 3);
	poke_queue_finish(&q, POKE_LANE_CHANGES, EPERM);
	assert_int_equal(missed(), 1);
	assert_false(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
}

static void poke_queue_publishing_makes_all_names_pend(void **state)
{
	(void)state;
	assert_false(pends("a"));
	poke_queue_publish_begin(&q);
	poke_queue_publish_begin(&q);
	poke_queue_publish_end(&q);
	assert_true(pends("a"));
	poke_queue_publish_end(&q);
	assert_false(pends("a"));
}

static void poke_queue_add_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536 + 3; i++)
		change(0x10000 + i, 1);
	assert_int_equal(missed(), 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(poke_queue_keeps_order_and_every_entry),
		TEST(poke_queue_only_the_helper_has_a_view),
		TEST(poke_queue_died_replays_what_was_not_done),
		TEST(poke_queue_died_idle_is_nothing),
		TEST(poke_queue_finish_with_an_error_is_missed),
		TEST(poke_queue_withdraw_refuses_what_is_out),
		TEST(poke_queue_withdraw_leaves_what_is_done),
		TEST(poke_queue_held_are_dropped_and_released_in_order),
		TEST(poke_queue_changes_coalesce_until_done),
		TEST(poke_queue_publishing_makes_all_names_pend),
		TEST(poke_queue_add_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
