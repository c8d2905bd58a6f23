/* SPDX-License-Identifier: Apache-2.0 */
/* fs/life/quota.c: what df shows, and when the server is asked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/config/config.h"
#include "fs/life/quota.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/fake_request.h"

static struct pod weavers[3]; /* of 1Gi each; the last one has ended */

int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
{
	(void)r;
	assert_true(all);
	*ret = calloc(ARRAY_SIZE(weavers), sizeof(**ret));
	*ret_n = ARRAY_SIZE(weavers);
	for (size_t i = 0; i < ARRAY_SIZE(weavers); i++) {
		weavers[i].memory_limit = "1Gi";
		(*ret)[i].pod = &weavers[i];
	}
	return 0;
}

void registry_list_free(struct registry_entry *entries, size_t n)
{
	(void)n;
	free(entries);
}

bool weaver_active(const struct pod *pod)
{
	return pod != &weavers[2];
}

static bool away;

bool client_away(const struct client *c, struct error *e)
{
	(void)c;
	(void)e;
	return away;
}

static char namespace_[] = "ns";
static struct config config = { .namespace_ = namespace_ };
static struct weaverfs fs = { .config = &config };
static struct quota *quota;

static int set_up(void **state)
{
	(void)state;
	away = false;
	fake_requests_made = 0;
	return quota_new(&fs, &quota, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	quota_free(quota);
	assert_true(list_empty(&fake_timers));
	assert_int_equal(fake_requests_out(), 0);
	return 0;
}

#define GIB (1ull << 30)

static void check(uint64_t total, uint64_t available)
{
	struct statvfs st = { .f_frsize = 4096 };

	quota_statfs(quota, &st);
	assert_int_equal(st.f_blocks * 4096, total);
	assert_int_equal(st.f_bfree * 4096, available);
	assert_int_equal(st.f_bavail, st.f_bfree);
}

static void answer(int http, int code, const char *path, const char *body)
{
	fake_run();
	struct request *r = fake_request();

	assert_non_null(r);
	assert_string_equal(r->path, path);
	fake_answer(r, http, code, body);
}

#define QUOTAS "/api/v1/namespaces/ns/resourcequotas"
#define NONE "{\"items\":[]}"

static void limits_of_the_tightest_quota_are_shown(void **state)
{
	(void)state;
	check(0, 0);
	answer(200, 0, QUOTAS,
	       "{\"items\":[{\"status\":{\"hard\":{\"limits.memory\":\"64Gi\","
	       "\"requests.memory\":\"1Gi\"},\"used\":{\"limits.memory\":\"2Gi\"}}},"
	       "{\"status\":{\"hard\":{\"pods\":\"3\"}}},"
	       "{\"status\":{\"hard\":{\"memory\":\"8Gi\"},\"used\":{\"memory\":\"1Gi\"}}}]}");
	check(8 * GIB, 7 * GIB);
	assert_int_equal(fake_requests_out(), 0); /* no need to look at nodes */
}

static void over_the_quota_nothing_is_free(void **state)
{
	(void)state;
	answer(200, 0, QUOTAS,
	       "{\"items\":[{\"status\":{\"hard\":{\"requests.memory\":\"1Gi\"},"
	       "\"used\":{\"requests.memory\":\"2Gi\"}}}]}");
	check(GIB, 0);
}

static void nodes_count_without_a_quota(void **state)
{
	(void)state;
	answer(200, 0, QUOTAS, NONE);
	answer(200, 0, "/api/v1/nodes",
	       "{\"items\":[{\"status\":{\"allocatable\":{\"memory\":\"3Gi\"}}},"
	       "{\"status\":{\"allocatable\":{\"memory\":\"4Gi\"}}}]}");
	check(7 * GIB, 5 * GIB);
}

static void nodes_that_may_not_be_read_are_not_asked_again(void **state)
{
	(void)state;
	answer(200, 0, QUOTAS, NONE);
	answer(403, EACCES, "/api/v1/nodes", "");
	check(0, 0);
	fake_advance(30000);
	answer(200, 0, QUOTAS, NONE);
	assert_int_equal(fake_requests_out(), 0);
}

static void asks_each_30_s_and_once_a_second_after_changes(void **state)
{
	const char one[] = "{\"items\":[{\"status\":{\"hard\":{\"memory\":\"1Gi\"}}}]}";

	(void)state;
	answer(200, 0, QUOTAS, one);
	fake_advance(29999);
	assert_int_equal(fake_requests_made, 1);
	fake_advance(1);
	answer(200, 0, QUOTAS, one);
	for (int i = 0; i < 10; i++)
		quota_changed(quota);
	fake_advance(999);
	assert_int_equal(fake_requests_made, 2);
	fake_advance(1);
	assert_int_equal(fake_requests_made, 3);
	quota_changed(quota); /* while it is out */
	fake_advance(5000);
	assert_int_equal(fake_requests_made, 3);
	answer(200, 0, QUOTAS, one);
	fake_run();
	assert_int_equal(fake_requests_made, 4);
}

static void what_was_known_stays_while_the_server_is_away(void **state)
{
	(void)state;
	answer(200, 0, QUOTAS, "{\"items\":[{\"status\":{\"hard\":{\"memory\":\"1Gi\"}}}]}");
	fake_advance(30000);
	answer(500, EIO, QUOTAS, "");
	check(GIB, GIB);
	away = true;
	fake_advance(300000);
	assert_int_equal(fake_requests_out(), 0);
	check(GIB, GIB);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(limits_of_the_tightest_quota_are_shown),
		TEST(over_the_quota_nothing_is_free),
		TEST(nodes_count_without_a_quota),
		TEST(nodes_that_may_not_be_read_are_not_asked_again),
		TEST(asks_each_30_s_and_once_a_second_after_changes),
		TEST(what_was_known_stays_while_the_server_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
