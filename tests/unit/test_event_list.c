/* SPDX-License-Identifier: Apache-2.0 */
/* fs/weaver/event_list.c: order, bounds, and that an old list does not change under its readers. */
#include "tests/unit/pods.h"

/* list (taken) with an event of that uid, second and message. */
static struct event_list *add(struct event_list *list, int uid, int second, const char *message)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;

	buf_printf(&json,
		   "{\"metadata\":{\"uid\":\"e%d\"},\"involvedObject\":{\"uid\":\"u\"},"
		   "\"type\":\"Normal\",\"reason\":\"R%d\",\"count\":3,"
		   "\"lastTimestamp\":\"2026-01-01T00:%02d:%02dZ\",\"message\":",
		   uid, uid, second / 60, second % 60);
	buf_add_json(&json, message, strlen(message));
	buf_add_char(&json, '}');
	return pods_add_event(list, buf_str(&json));
}

static void event_list_show_lines_are_in_order_and_escaped(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct event_list *list = add(NULL, 1, 9, "late");

	(void)state;
	list = add(list, 2, 5, "ear\tly\n\x1b[2J");
	event_list_show(list, &out);
	assert_string_equal(buf_str(&out),
			    "2026-01-01T00:00:05Z\tNormal\tR2\t3\tear\\tly\\n\\x1B[2J\n"
			    "2026-01-01T00:00:09Z\tNormal\tR1\t3\tlate\n");
	event_list_unref(list);
}

static void event_list_show_none_is_empty(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	event_list_show(NULL, &out);
	assert_int_equal(out.len, 0);
	assert_null(event_list_ref(NULL));
	event_list_unref(NULL);
}

static void event_list_add_same_uid_replaces(void **state)
{
	struct event_list *list = add(NULL, 1, 1, "once");

	(void)state;
	list = add(list, 2, 2, "other");
	list = add(list, 1, 3, "twice");
	assert_int_equal(list->n, 2);
	assert_string_equal(list->items[0]->event->message, "other");
	assert_string_equal(list->items[1]->event->message, "twice");
	event_list_unref(list);
}

static void event_list_add_oldest_falls_out(void **state)
{
	struct event_list *list = NULL;

	(void)state;
	for (int i = 0; i < EVENTS_MAX + 10; i++)
		list = add(list, i, i, "m");
	assert_int_equal(list->n, EVENTS_MAX);
	assert_string_equal(list->items[0]->event->reason, "R10");
	/* a full list, and one of its own comes again: none falls out */
	list = add(list, 20, 100, "m");
	assert_int_equal(list->n, EVENTS_MAX);
	assert_string_equal(list->items[0]->event->reason, "R10");
	event_list_unref(list);
}

static void event_list_show_is_bounded(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct event_list *list = NULL;
	char message[5000];

	(void)state;
	memset(message, '\x01', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	for (int i = 0; i < EVENTS_MAX; i++)
		list = add(list, i, i, message);
	event_list_show(list, &out);
	assert_true(out.len > 0 && out.len <= EVENTS_MAX_BYTES);
	assert_memory_equal(out.data, "2026-01-01T00:01:03Z\t", 21);
	event_list_unref(list);
}

static void event_list_add_leaves_old_list_alone(void **state)
{
	struct event_list *old = add(NULL, 1, 1, "first");
	struct event_list *kept = event_list_ref(old);
	struct event_list *list = add(old, 1, 2, "second");

	(void)state;
	assert_int_equal(kept->n, 1);
	assert_string_equal(kept->items[0]->event->message, "first");
	event_list_unref(list);
	event_list_unref(kept);
}

static void event_list_find_gives_the_newest(void **state)
{
	static const char *const reasons[] = { "R1", "R2", NULL };
	static const char *const others[] = { "R9", NULL };
	struct event_list *list = add(NULL, 1, 1, "a");

	(void)state;
	list = add(list, 2, 2, "b");
	list = add(list, 3, 3, "c");
	assert_string_equal(event_list_find(list, reasons)->message, "b");
	assert_null(event_list_find(list, others));
	assert_null(event_list_find(NULL, reasons));
	event_list_unref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_list_show_none_is_empty),
		cmocka_unit_test(event_list_show_lines_are_in_order_and_escaped),
		cmocka_unit_test(event_list_add_same_uid_replaces),
		cmocka_unit_test(event_list_add_oldest_falls_out),
		cmocka_unit_test(event_list_show_is_bounded),
		cmocka_unit_test(event_list_add_leaves_old_list_alone),
		cmocka_unit_test(event_list_find_gives_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
