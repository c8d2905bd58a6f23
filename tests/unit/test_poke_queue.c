/* SPDX-License-Identifier: Apache-2.0 */
/* poke_queue.c: what a helper may do, in which order, and what becomes of a command when it dies
 * or when a user is faster. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/metrics.h"
#include "fs/poke/poke_queue.h"
#include "fs/tree/ino.h"

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
	struct poke_what what = { .op = op, .weaver = object, .object = object };

	snprintf(what.name, sizeof(what.name), "%s", name);
	poke_queue_add(&q, &what, held);
}

static void change_in(const char *name, uint64_t object, unsigned row)
{
	struct poke_what what = {
		.op = POKE_MODIFY, .weaver = object, .object = object, .row = row
	};

	snprintf(what.name, sizeof(what.name), "%s", name);
	poke_queue_add(&q, &what, false);
}

static void change(uint64_t object, unsigned row)
{
	change_in("w", object, row);
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

/* Ditto, of the changes' lane: "a 12/3". */
static const char *take_change(void)
{
	static char text[128];
	struct poke_what what;

	if (!poke_queue_take(&q, POKE_LANE_CHANGES, &what))
		return "";
	snprintf(text, sizeof(text), "%s %u/%u", what.name, (unsigned)what.object, what.row);
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
	assert_string_equal(take(), ""); /* of one name, one at a time */
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
	take();
	poke_queue_withdraw(&q, INO_OBJECT_ROOT, "a");
	assert_int_equal(missed(), 2);
	assert_int_equal(lookup(ENTRIES, "a"), POKE_NOT_OURS);
	assert_int_equal(entry(ENTRIES, POKE_MKDIR, "a"), POKE_REFUSED);
	poke_queue_finish(&q, POKE_LANE_ENTRIES, EPERM);
	assert_int_equal(missed(), 2); /* counted once */
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
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0);
	assert_int_equal(missed(), 0);
	assert_true(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
	assert_int_equal(what.row, 3);
	poke_queue_finish(&q, POKE_LANE_CHANGES, EPERM);
	assert_int_equal(missed(), 1);
	assert_false(poke_queue_take(&q, POKE_LANE_CHANGES, &what));
}

static void poke_queue_changes_come_before_the_removal_and_after_the_add(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, false);
	change_in("a", 1, 5);
	change_in("b", 2, 5);
	add(POKE_RMDIR, "a", 1, false);
	add(POKE_MKDIR, "a", 3, false); /* another one, of the same name */
	change_in("a", 3, 5);
	add(POKE_MKDIR, "c", 4, false);
	assert_string_equal(take_change(), "b 2/5"); /* which has nothing to wait for */
	assert_string_equal(take_change(), "");
	assert_string_equal(take(), "mkdir a 1");
	assert_string_equal(take(), "");
	obey(POKE_MKDIR, "a");
	assert_string_equal(take(), "");             /* the removal waits for the change */
	assert_string_equal(take_change(), "a 1/5"); /* two at a time */
	assert_string_equal(take_change(), "");
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0); /* b's */
	assert_string_equal(take(), "");
	assert_int_equal(lookup(CHANGES, "a"), POKE_PRESENT);
	assert_true(poke_queue_passes(&q, CHANGES, 1, 5));
	assert_true(poke_queue_passes(&q, CHANGES, 1, INO_ROW_DIR));
	assert_false(poke_queue_passes(&q, CHANGES, 1, 6));
	assert_false(poke_queue_passes(&q, USER, 1, 5));
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 1, 5), POKE_DONE);
	assert_true(poke_queue_passes(&q, CHANGES, 1, 5)); /* until the end of its call */
	assert_string_equal(take(), ""); /* the kernel may not have raised it yet */
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0);
	assert_string_equal(take(), "rmdir a 1");
	assert_string_equal(take(), "");
	obey(POKE_RMDIR, "a");
	assert_string_equal(take(), "mkdir a 3");
	assert_string_equal(take(), "mkdir c 4");
	assert_string_equal(take_change(), "");
	obey(POKE_MKDIR, "a");
	assert_string_equal(take_change(), "a 3/5");
	assert_int_equal(missed(), 0);
}

static void poke_queue_changes_do_not_coalesce_over_a_rename(void **state)
{
	(void)state;
	change_in("a", 1, 5);
	add(POKE_RMDIR, "a", 1, false);
	add(POKE_MKDIR, "b", 1, false);
	change_in("b", 1, 5);
	change_in("b", 1, 5);
	assert_string_equal(take_change(), "a 1/5");
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0);
	assert_string_equal(take_change(), "");
	assert_string_equal(take(), "rmdir a 1");
	obey(POKE_RMDIR, "a");
	assert_string_equal(take(), "mkdir b 1");
	obey(POKE_MKDIR, "b");
	assert_string_equal(take_change(), "b 1/5");
	assert_string_equal(take_change(), "");
}

/* The user's own rmdir has raised its event: a change after it would come from nowhere. */
static void poke_queue_changes_before_a_users_removal_are_overtaken(void **state)
{
	(void)state;
	change_in("a", 1, 5);
	change_in("a", 1, 6);
	change_in("b", 2, 5);
	add(POKE_RMDIR, "a", 1, true);
	assert_string_equal(take_change(), "a 1/5");
	poke_queue_drop_first_held(&q, INO_OBJECT_ROOT, "a");
	assert_int_equal(metrics_get(&metrics, METRIC_EVENTS_OVERTAKEN), 2);
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 1, 5), POKE_REFUSED);
	poke_queue_finish(&q, POKE_LANE_CHANGES, EPERM);
	assert_int_equal(missed(), 0);
	assert_string_equal(take_change(), "b 2/5");
}

static void poke_queue_changes_before_a_users_rename_go_with_it(void **state)
{
	(void)state;
	change_in("a", 1, 5);
	add(POKE_RMDIR, "a", 1, true);
	add(POKE_MKDIR, "b", 1, true);
	poke_queue_drop_first_held(&q, INO_OBJECT_ROOT, "a");
	poke_queue_drop_first_held(&q, INO_OBJECT_ROOT, "b");
	assert_string_equal(take_change(), "b 1/5");
	assert_int_equal(missed(), 0);
}

static void poke_queue_released_is_back_in_its_place(void **state)
{
	(void)state;
	add(POKE_MKDIR, "a", 1, true);
	change_in("a", 1, 5);
	add(POKE_MKDIR, "b", 2, false);
	add(POKE_RMDIR, "a", 1, false); /* as if nobody held the name any more */
	assert_string_equal(take_change(), "");
	assert_string_equal(take(), "mkdir b 2");
	obey(POKE_MKDIR, "b");
	assert_string_equal(take(), "");
	poke_queue_release_held(&q, INO_OBJECT_ROOT, "a");
	assert_string_equal(take(), "mkdir a 1");
	obey(POKE_MKDIR, "a");
	assert_string_equal(take(), "");
	assert_string_equal(take_change(), "a 1/5");
	poke_queue_finish(&q, POKE_LANE_CHANGES, 0);
	assert_string_equal(take(), "rmdir a 1");
}

static void poke_queue_gives_a_helper_no_more_than_it_may_have(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < POKE_OUT_MAX + 5; i++)
		change(0x10000 + i, 1);
	while (take_change()[0])
		n++;
	assert_int_equal(n, POKE_OUT_MAX);
	assert_int_equal(poke_queue_setattr(&q, CHANGES, 0x10001, 1), POKE_DONE);
	poke_queue_died(&q, POKE_LANE_CHANGES);
	assert_string_equal(take_change(), "w 65536/1"); /* in order, without what was done */
	assert_string_equal(take_change(), "w 65538/1");
	assert_int_equal(missed(), 0);
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
		TEST(poke_queue_changes_come_before_the_removal_and_after_the_add),
		TEST(poke_queue_changes_do_not_coalesce_over_a_rename),
		TEST(poke_queue_changes_before_a_users_removal_are_overtaken),
		TEST(poke_queue_changes_before_a_users_rename_go_with_it),
		TEST(poke_queue_released_is_back_in_its_place),
		TEST(poke_queue_gives_a_helper_no_more_than_it_may_have),
		TEST(poke_queue_publishing_makes_all_names_pend),
		TEST(poke_queue_add_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
