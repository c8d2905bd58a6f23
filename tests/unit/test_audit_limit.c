/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/limit.c: a bucket for each kind, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/limit.h"
#include "tests/unit/audit_fixture.h"

#define S 1000000000ULL

static union audit_event record;

/* How many of n records at one time are let through. */
static unsigned take(struct limit *l, unsigned type, uint64_t time_ns, unsigned n)
{
	struct event *ev = audit_make(&record, type, 1);
	unsigned taken = 0;

	ev->time_ns = time_ns;
	while (n--)
		taken += limit_take(l, ev);
	return taken;
}

static void take_burst_then_rate(void **state)
{
	(void)state;
	struct limit l = { .rate = 100 };

	assert_int_equal(take(&l, EVENT_FILE_OPEN, 5 * S, 2000), 100 * LIMIT_BURST_S);
	assert_int_equal(take(&l, EVENT_FILE_OPEN, 6 * S, 2000), 100);
	/* no token is lost to rounding, in however small steps time goes */
	unsigned taken = 0;
	for (uint64_t t = 6 * S; t <= 8 * S; t += S / 777)
		taken += take(&l, EVENT_FILE_OPEN, t, 5);
	assert_in_range(taken, 198, 200);
	assert_int_equal(take(&l, EVENT_FILE_OPEN, 100 * S, 2000), 100 * LIMIT_BURST_S);
}

static void take_kinds_are_apart(void **state)
{
	(void)state;
	struct limit l = { .rate = 1 };

	assert_int_equal(take(&l, EVENT_FILE_OPEN, S, 100), LIMIT_BURST_S);
	assert_int_equal(take(&l, EVENT_CONNECT, S, 100), LIMIT_BURST_S);
}

static void take_critical_or_no_rate_all(void **state)
{
	(void)state;
	struct limit l = { .rate = 1 }, none = { 0 };

	assert_int_equal(take(&l, EVENT_EXEC, S, 1000), 1000);
	assert_int_equal(take(&l, EVENT_ESCAPE, S, 1000), 1000);
	assert_int_equal(take(&none, EVENT_FILE_OPEN, S, 1000), 1000);
}

static void take_earlier_time_gives_nothing(void **state)
{
	(void)state;
	struct limit l = { .rate = 1 };

	take(&l, EVENT_FILE_OPEN, 50 * S, 100);
	assert_int_equal(take(&l, EVENT_FILE_OPEN, 45 * S, 100), 0);
	assert_int_equal(take(&l, EVENT_FILE_OPEN, 51 * S, 100), 1);
}

static void tell_start_and_stop_once(void **state)
{
	(void)state;
	struct limit l = { .rate = 1 };
	struct limit_row row;

	assert_false(limit_tell(&l, S, true, &row));
	take(&l, EVENT_FILE_OPEN, 2 * S, LIMIT_BURST_S + 1);
	assert_true(limit_tell(&l, 2 * S, false, &row));
	assert_int_equal(row.type, EVENT_FILE_OPEN);
	assert_false(row.ended);
	assert_false(limit_tell(&l, 2 * S, false, &row));
	take(&l, EVENT_FILE_OPEN, 2 * S + S / 2, 6);
	assert_false(limit_tell(&l, 3 * S, false, &row));
	assert_true(limit_tell(&l, 4 * S, false, &row));
	assert_true(row.ended);
	assert_int_equal(row.over, 7);
	assert_int_equal(row.first_ns, 2 * S);
	assert_int_equal(row.last_ns, 2 * S + S / 2);
	assert_false(limit_tell(&l, 5 * S, true, &row));
}

/* At the end what has just begun is told to have ended, too. */
static void tell_last_ends_all(void **state)
{
	(void)state;
	struct limit l = { .rate = 1 };
	struct limit_row row;

	take(&l, EVENT_FORK, 2 * S, LIMIT_BURST_S + 3);
	assert_true(limit_tell(&l, 2 * S, true, &row));
	assert_false(row.ended);
	assert_true(limit_tell(&l, 2 * S, true, &row));
	assert_true(row.ended);
	assert_int_equal(row.over, 3);
	assert_false(limit_tell(&l, 2 * S, true, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(take_burst_then_rate),
		cmocka_unit_test(take_kinds_are_apart),
		cmocka_unit_test(take_critical_or_no_rate_all),
		cmocka_unit_test(take_earlier_time_gives_nothing),
		cmocka_unit_test(tell_start_and_stop_once),
		cmocka_unit_test(tell_last_ends_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
