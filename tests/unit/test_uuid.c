/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/uuid.c: form, order within a process and across threads, and the short id. */
#include <ctype.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/uuid.h"

static void uuid_v7_form_follows_the_rfc(void **state)
{
	char id[UUID_LEN + 1];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(uuid_v7(id, NULL), 0);
		assert_int_equal(strlen(id), UUID_LEN);
		assert_true(uuid_valid(id));
		assert_int_equal(id[14], '7');
		assert_non_null(strchr("89ab", id[19]));
		for (const char *p = id; *p; p++)
			assert_false(isupper(*p));
	}
}

static void uuid_v7_time_is_now(void **state)
{
	char id[UUID_LEN + 1], digits[13];

	(void)state;
	assert_int_equal(uuid_v7(id, NULL), 0);
	memcpy(digits, id, 8);
	memcpy(digits + 8, id + 9, 4);
	digits[12] = '\0';

	int64_t ms = strtoll(digits, NULL, 16);
	int64_t now = clock_realtime_ns() / CLOCK_NS_PER_MS;

	/* a counter that ran over may borrow some milliseconds of the future */
	assert_true(ms <= now + 1000 && ms > now - 60000);
}

static void uuid_v7_many_rise(void **state)
{
	char last[UUID_LEN + 1] = "", id[UUID_LEN + 1];

	(void)state;
	/* more than the counter's 4096 within a millisecond or a few */
	for (int i = 0; i < 20000; i++) {
		uuid_v7(id, NULL);
		assert_true(strcmp(last, id) < 0);
		memcpy(last, id, sizeof(last));
	}
}

enum { EACH = 2000 };

static void *make_many(void *out)
{
	char(*ids)[UUID_LEN + 1] = out;

	for (int i = 0; i < EACH; i++)
		uuid_v7(ids[i], NULL);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void uuid_v7_two_threads_are_unique(void **state)
{
	static char ids[2 * EACH][UUID_LEN + 1];
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_many, ids[i * EACH]), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, ARRAY_SIZE(ids), sizeof(ids[0]), by_text);
	for (size_t i = 1; i < ARRAY_SIZE(ids); i++) {
		/* the counter alone makes the first 18 characters differ */
		assert_int_not_equal(strncmp(ids[i - 1], ids[i], 18), 0);
	}
}

static void uuid_valid_only_the_text_form(void **state)
{
	(void)state;
	assert_true(uuid_valid("0192f7a0-1234-7abc-89ab-0123456789ab"));
	assert_true(uuid_valid("0192F7A0-1234-4ABC-89AB-0123456789AB"));
	assert_true(uuid_valid("00000000-0000-0000-0000-000000000000"));
	assert_false(uuid_valid(""));
	assert_false(uuid_valid("0192f7a0-1234-7abc-89ab-0123456789a"));
	assert_false(uuid_valid("0192f7a0-1234-7abc-89ab-0123456789abc"));
	assert_false(uuid_valid("0192f7a0-1234-7abc-89ab-0123456789ag"));
	assert_false(uuid_valid("0192f7a0x1234-7abc-89ab-0123456789ab"));
	assert_false(uuid_valid("0192f7a01-234-7abc-89ab-0123456789ab"));
	assert_false(uuid_valid("{192f7a0-1234-7abc-89ab-0123456789a}"));
}

static void uuid_id8_last_digits_are_random(void **state)
{
	char a[UUID_LEN + 1], b[UUID_LEN + 1];

	(void)state;
	assert_string_equal(uuid_id8("0192f7a0-1234-7abc-89ab-0123456789ab"), "456789ab");
	uuid_v7(a, NULL);
	uuid_v7(b, NULL);
	assert_string_not_equal(uuid_id8(a), uuid_id8(b));
	assert_int_equal(strlen(uuid_id8(a)), UUID_ID8_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_v7_form_follows_the_rfc),
		cmocka_unit_test(uuid_v7_time_is_now),
		cmocka_unit_test(uuid_v7_many_rise),
		cmocka_unit_test(uuid_v7_two_threads_are_unique),
		cmocka_unit_test(uuid_valid_only_the_text_form),
		cmocka_unit_test(uuid_id8_last_digits_are_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
