/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the kubelet, which count, and of the scheduler, which keeps a series. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <errno.h>

#include "k8s/base/buf.h"
#include "k8s/event.h"

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

static void every_fixture_is_read(void **state)
{
	_cleanup_(globfree) glob_t files = { 0 };
	unsigned n = 0;

	(void)state;
	assert_int_equal(glob("tests/fixtures/pods/*.events.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;
		char block[4096];
		FILE *f = fopen(files.gl_pathv[i], "re");
		assert_non_null(f);
		for (size_t got = fread(block, 1, sizeof(block), f); got;
		     got = fread(block, 1, sizeof(block), f))
			buf_add(&text, block, got);
		fclose(f);
		_cleanup_(cJSON_Deletep) cJSON *events = cJSON_Parse(buf_str(&text));
		const cJSON *item;
		cJSON_ArrayForEach(item, events) {
			_cleanup_(cleanup_free) char *json = cJSON_PrintUnformatted(item);
			_cleanup_(event_freep) struct event *ev = NULL;
			assert_int_equal(event_parse(json, &ev, NULL), 0);
			assert_true(*ev->uid && *ev->involved_uid && *ev->reason && *ev->message);
			assert_true(strcmp(ev->type, "Normal") == 0 ||
				    strcmp(ev->type, "Warning") == 0);
			assert_true(ev->last_s > 1700000000);
			assert_true(ev->count >= 1);
			n++;
		}
	}
	assert_true(n > 50);
}

static void assert_event(const char *fields, int64_t last_s, int count)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;
	_cleanup_(event_freep) struct event *ev = NULL;

	buf_printf(
		&json,
		"{\"metadata\":{\"uid\":\"u\",\"creationTimestamp\":\"2026-01-01T00:00:01Z\"}%s}",
		fields);
	assert_int_equal(event_parse(json.data, &ev, NULL), 0);
	assert_int_equal(ev->last_s, last_s);
	assert_int_equal(ev->count, count);
}

static void time_and_count_come_from_where_the_recorder_puts_them(void **state)
{
	const int64_t s = 1767225600; /* 2026-01-01 */

	(void)state;
	assert_event("", s + 1, 1);
	assert_event(",\"lastTimestamp\":null,\"eventTime\":\"2026-01-01T00:00:02.123456Z\"", s + 2,
		     1);
	assert_event(",\"lastTimestamp\":\"2026-01-01T00:00:03Z\",\"count\":7", s + 3, 7);
	assert_event(",\"eventTime\":\"2026-01-01T00:00:02.1Z\",\"series\":{\"count\":9,"
		     "\"lastObservedTime\":\"2026-01-01T00:00:04.000000Z\"}",
		     s + 4, 9);
	assert_event(",\"count\":-1,\"lastTimestamp\":\"soon\"", s + 1, 1);
}

static void event_parse_garbage_is_eproto(void **state)
{
	static const char *const bad[] = { "", "{", "{}", "{\"metadata\":{}}", "[]", "7" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct event *ev = NULL;
		assert_int_equal(event_parse(bad[i], &ev, NULL), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_is_read),
		cmocka_unit_test(time_and_count_come_from_where_the_recorder_puts_them),
		cmocka_unit_test(event_parse_garbage_is_eproto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
