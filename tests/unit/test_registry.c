/* SPDX-License-Identifier: Apache-2.0 */
/* fs/registry.c: who is in the tree, under which name, and for how long after the pod has gone. */
#include "tests/unit/pods.h"

#include <errno.h>

#include "fs/registry.h"
#include "k8s/base/clock.h"

#define HELD_NS (2 * CLOCK_NS_PER_S)

static int setup(void **state)
{
	struct registry *r = NULL;

	assert_int_equal(registry_new(&r, NULL), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	registry_free(*state);
	return 0;
}

/* A state of the pod "uid" that wants the directory "name"; version: another one, another state. */
static enum registry_change apply(struct registry *r, const char *uid, const char *name,
				  const char *version, const char *more, int64_t now_ns)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"weaver-%s\",\"uid\":\"%s\",\"resourceVersion\":\"%s\","
		 "\"labels\":{\"loom.dev/name\":\"%s\"}%s}}",
		 uid, uid, version, name, more);
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	return registry_apply(r, pod, now_ns);
}

/* The names in the root, with a blank after each. */
static const char *names(struct registry *r)
{
	static char text[256];
	struct registry_entry *entries = NULL;
	size_t n = 0;

	assert_int_equal(registry_list_take(r, false, &entries, &n), 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", entries[i].name);
	registry_list_free(entries, n);
	return text;
}

static unsigned n_shown;

static void on_shown(void *data, const struct registry_view *w)
{
	(void)data;
	assert_true(w->shown && !w->held);
	n_shown++;
}

static int64_t publish(struct registry *r, int64_t now_ns)
{
	return registry_publish_held(r, now_ns, on_shown, NULL);
}

static bool is_held(struct registry *r, const char *uid)
{
	struct registry_view w;

	assert_int_equal(registry_find_uid(r, uid, &w), 0);
	bool held = w.held;
	registry_view_done(&w);
	return held;
}

static void registry_apply_second_of_a_name_is_held_back(void **state)
{
	struct registry *r = *state;

	assert_int_equal(apply(r, "u1", "a", "1", "", 0), REGISTRY_ADDED);
	assert_int_equal(apply(r, "u2", "a", "2", "", 0), REGISTRY_NONE);
	assert_false(is_held(r, "u1"));
	assert_true(is_held(r, "u2"));
	assert_string_equal(names(r), "a ");

	assert_int_equal(publish(r, HELD_NS - 1), HELD_NS);
	assert_string_equal(names(r), "a ");
	assert_int_equal(publish(r, HELD_NS), 0);
	assert_false(is_held(r, "u2"));
	assert_string_equal(names(r), "a a~u2 ");
}

static void registry_publish_held_gives_a_free_name(void **state)
{
	struct registry *r = *state;

	apply(r, "u1", "a", "1", "", 0);
	apply(r, "u2", "a", "2", "", 0);
	apply(r, "u3", "a", "3", "", 1);
	assert_int_equal(registry_remove(r, "u1"), REGISTRY_REMOVED);
	assert_true(registry_name_taken(r, "a"));
	assert_int_equal(publish(r, HELD_NS), HELD_NS + 1);
	assert_string_equal(names(r), "a ");
	assert_int_equal(registry_remove(r, "u3"), REGISTRY_NONE);
	assert_int_equal(publish(r, HELD_NS + 1), 0);
	assert_string_equal(names(r), "a ");
}

static void registry_name_taken_by_the_held_back_until_gone(void **state)
{
	struct registry *r = *state;

	apply(r, "u1", "a", "1", "", 0);
	apply(r, "u2", "a", "2", "", 0);
	registry_remove(r, "u1");
	assert_string_equal(names(r), "");
	assert_true(registry_name_taken(r, "a"));
	assert_false(registry_name_taken(r, "b"));
	apply(r, "u2", "a", "3", ",\"deletionTimestamp\":\"2026-01-01T00:00:05Z\"", 0);
	assert_false(registry_name_taken(r, "a"));
	assert_int_equal(publish(r, 2 * HELD_NS), 0);
	assert_string_equal(names(r), "");
}

static void collect(void *data, const struct registry_view *last)
{
	snprintf((char *)data + strlen(data), 64, "%s ", last->pod->uid);
}

static void registry_replace_end_reports_each_that_did_not_come(void **state)
{
	struct registry *r = *state;
	char removed[256] = "", uid[16];

	for (int i = 0; i < 9; i++) {
		snprintf(uid, sizeof(uid), "u%d", i);
		apply(r, uid, uid, "1", "", 0);
	}
	registry_replace_begin(r);
	/* the same version as before is enough to stay */
	apply(r, "u3", "u3", "1", "", 0);
	apply(r, "u7", "u7", "2", "", 0);
	registry_replace_end(r, collect, removed);
	assert_string_equal(removed, "u0 u1 u2 u4 u5 u6 u8 ");
	assert_string_equal(names(r), "u3 u7 ");

	removed[0] = '\0';
	registry_replace_begin(r);
	registry_replace_end(r, collect, removed);
	assert_string_equal(removed, "u3 u7 ");
	assert_string_equal(names(r), "");
}

static void registry_replace_end_keeps_what_is_open_out_of_the_tree(void **state)
{
	struct registry *r = *state;
	struct registry_view w;
	char removed[256] = "";

	apply(r, "u1", "a", "1", "", 0);
	apply(r, "u2", "b", "1", "", 0);
	assert_int_equal(registry_lookup(r, "a", &w), 0);
	uint64_t object = w.object;
	registry_view_done(&w);
	assert_int_equal(registry_open(r, object), 0);

	registry_replace_begin(r);
	registry_replace_end(r, collect, removed);
	assert_string_equal(removed, "u1 u2 ");
	assert_int_equal(registry_lookup(r, "a", &w), -ENOENT);
	assert_int_equal(registry_find(r, object, &w), 0);
	assert_true(w.gone);
	registry_view_done(&w);
	/* gone once is gone: the next replace does not report it again */
	removed[0] = '\0';
	registry_replace_begin(r);
	registry_replace_end(r, collect, removed);
	assert_string_equal(removed, "");
	registry_release(r, object);
	assert_int_equal(registry_find(r, object, &w), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(registry_apply_second_of_a_name_is_held_back),
		T(registry_publish_held_gives_a_free_name),
		T(registry_name_taken_by_the_held_back_until_gone),
		T(registry_replace_end_reports_each_that_did_not_come),
		T(registry_replace_end_keeps_what_is_open_out_of_the_tree),
#undef T
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
