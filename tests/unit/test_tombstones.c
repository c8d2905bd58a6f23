/* SPDX-License-Identifier: Apache-2.0 */
/* tombstones.c: what survives a kill, what is deleted when it shows up, what the disk does. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/tombstones.h"
#include "fs/metrics.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/pod.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/fake_request.h"

/* Made at 1,800,000,000 s since the epoch, near the fake clock's beginning. */
#define NAME_A "weaver-01a3185c-5000-7000-8000-00000000000a"
#define NAME_B "weaver-01a3185c-5000-7000-8000-00000000000b"

static unsigned n_errors;
static char last_error[1024], last_path[128];
static uid_t last_uid;

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	(void)l;
	(void)op;
	n_errors++;
	last_uid = uid;
	snprintf(last_path, sizeof(last_path), "%s", path);
	snprintf(last_error, sizeof(last_error), "%s", error->text);
}

const char *weaver_name(const struct pod *pod)
{
	(void)pod;
	return "fix-42";
}

struct weaver_owner weaver_owner(const struct pod *pod, uid_t mount_uid, gid_t mount_gid)
{
	(void)pod;
	(void)mount_uid;
	(void)mount_gid;
	return (struct weaver_owner){ .uid = 1001 };
}

static char state_dir[64], journal[80];
static struct metrics metrics;
static struct config config = { .namespace_ = (char[]){ "ns" } };
static struct weaverfs fs = { .config = &config, .metrics = &metrics, .state_dir = state_dir };
static struct tombstones *stones;

static struct pod pod_of(const char *name, const char *uid)
{
	return (struct pod){ .name = name, .uid = uid };
}

static void restart(void)
{
	tombstones_free(stones);
	assert_int_equal(tombstones_new(&fs, &stones, NULL), 0);
}

static const char *content(void)
{
	static char text[200000];
	FILE *f = fopen(journal, "r");

	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* without the boot id */
	return *text == '#' ? strchr(text, '\n') + 1 : text;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(state_dir, "/tmp/test_tombstones.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(journal, sizeof(journal), "%s/creates", state_dir);
	fake_now_ns = 1000 * CLOCK_NS_PER_S;
	fake_requests_made = n_errors = 0;
	memset(&metrics, 0, sizeof(metrics));
	return tombstones_new(&fs, &stones, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	tombstones_free(stones);
	assert_int_equal(fake_requests_out(), 0);
	assert_true(list_empty(&fake_timers));
	unlink(journal);
	return rmdir(state_dir);
}

static void tombstones_settled_is_a_weaver(void **state)
{
	struct pod pod = pod_of(NAME_A, "uid-a");

	(void)state;
	assert_int_equal(tombstones_intend(stones, NAME_A, NULL), 0);
	assert_string_equal(content(), "+ " NAME_A "\n");
	assert_false(tombstones_claims(stones, &pod)); /* its mkdir waits for it */
	tombstones_settle(stones, NAME_A);
	assert_string_equal(content(), "- " NAME_A "\n");
	restart();
	assert_false(tombstones_claims(stones, &pod));
	assert_string_equal(content(), "");
	tombstones_settle(stones, "nobody");
	tombstones_bury(stones, "nobody");
	tombstones_deleted(stones, "nobody");
}

/* kill -9 with the POST under way: the mkdir has failed, so the pod must not live. */
static void tombstones_unsettled_is_claimed_after_restart(void **state)
{
	struct pod pod = pod_of(NAME_A, "uid-a");

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	restart();
	assert_string_equal(content(), "! " NAME_A "\n");
	assert_true(tombstones_claims(stones, &pod));
	assert_string_equal(fake_request()->path, "/api/v1/namespaces/ns/pods/" NAME_A);
	assert_string_equal(fake_request()->body,
			    "{\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"uid-a\"}}");
	assert_int_equal(fake_request()->spec.method, REQUEST_DELETE);
	assert_true(tombstones_claims(stones, &pod)); /* seen again: one is out already */
	assert_int_equal(fake_requests_made, 1);
	fake_answer(fake_request(), 200, 0, "{}");
	assert_int_equal(metrics_get(&metrics, METRIC_TOMBSTONES), 1);
	assert_string_equal(last_path, "fix-42");
	assert_int_equal(last_uid, 1001);
	assert_non_null(strstr(last_error, NAME_A));
	tombstones_deleted(stones, NAME_A);
	assert_string_equal(content(), "- " NAME_A "\n");
	assert_int_equal(metrics_get(&metrics, METRIC_TOMBSTONES), 1);
	assert_false(tombstones_claims(stones, &pod));
	assert_int_equal(n_errors, 1);
}

static void tombstones_delete_is_tried_until_deleted(void **state)
{
	struct pod pod = pod_of(NAME_A, "uid-a");

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	tombstones_bury(stones, NAME_A);
	assert_string_equal(content(), "! " NAME_A "\n");
	assert_true(tombstones_claims(stones, &pod));
	for (int i = 0; i < 6; i++) {
		fake_answer(fake_request(), 0, EHOSTUNREACH, "");
		assert_int_equal(fake_requests_out(), 0);
		assert_true(tombstones_claims(stones, &pod)); /* an event does not hurry it */
		assert_int_equal(fake_requests_out(), 0);
		fake_advance(i == 0 ? 1000 : i == 1 ? 2000 : 30000);
		assert_int_equal(fake_requests_out(), 1);
	}
	/* Accepted, but a finalizer holds it. */
	fake_answer(fake_request(), 200, 0, "{}");
	fake_advance(30000);
	assert_int_equal(fake_requests_out(), 1);
	/* DELETED while one is out. */
	tombstones_deleted(stones, NAME_A);
	assert_int_equal(fake_requests_out(), 0);
	fake_advance(120000);
	assert_int_equal(fake_requests_out(), 0);
	assert_int_equal(n_errors, 1);
}

static void tombstones_delete_not_found_waits_for_another(void **state)
{
	struct pod pod = pod_of(NAME_A, "uid-a"), again = pod_of(NAME_A, "uid-b");

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	tombstones_bury(stones, NAME_A);
	tombstones_claims(stones, &pod);
	fake_answer(fake_request(), 404, ENOENT, "");
	fake_advance(120000);
	assert_int_equal(fake_requests_out(), 0);
	assert_true(tombstones_claims(stones, &again));
	assert_non_null(strstr(fake_request()->body, "uid-b"));
}

static void tombstones_new_torn_line_is_ignored(void **state)
{
	(void)state;
	FILE *f = fopen(journal, "w");
	fputs("nonsense\n\n? what\n+ " NAME_A "\n- x\n+ weaver-01a3", f);
	fclose(f);
	restart();
	assert_string_equal(content(), "! " NAME_A "\n");
}

/* After a power failure "+" may have been settled. */
static void tombstones_new_other_boot_keeps_only_buried(void **state)
{
	(void)state;
	FILE *f = fopen(journal, "w");
	fputs("# 00000000-0000-0000-0000-000000000000\n+ " NAME_A "\n! " NAME_B "\n", f);
	fclose(f);
	restart();
	assert_string_equal(content(), "! " NAME_B "\n");
}

static void tombstones_new_day_old_is_dropped(void **state)
{
	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	tombstones_bury(stones, NAME_A);
	fake_now_ns += 23 * 3600 * CLOCK_NS_PER_S;
	restart();
	assert_string_equal(content(), "! " NAME_A "\n");
	fake_now_ns += 3600 * CLOCK_NS_PER_S;
	restart();
	assert_string_equal(content(), "");
}

static void tombstones_intend_compacts_a_long_journal(void **state)
{
	struct stat st;
	char name[64];

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	tombstones_intend(stones, NAME_B, NULL);
	tombstones_bury(stones, NAME_B);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "weaver-01a3185c-5000-7000-8000-%012d", 1000 + i);
		assert_int_equal(tombstones_intend(stones, name, NULL), 0);
		tombstones_settle(stones, name);
	}
	assert_int_equal(stat(journal, &st), 0);
	assert_true(st.st_size < 70000);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* The lines that moved are still marked in place. */
	tombstones_settle(stones, NAME_A);
	restart();
	assert_string_equal(content(), "! " NAME_B "\n");
}

/* A full disk: no POST without its line, and no weaver that the next start would delete. */
static void tombstones_full_disk_refuses_and_still_settles(void **state)
{
	struct rlimit before, small;
	struct error e = ERROR_INIT;
	struct stat st;

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(stat(journal, &st), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = (rlim_t)st.st_size + 7;
	setrlimit(RLIMIT_FSIZE, &small);
	int r = tombstones_intend(stones, NAME_B, &e);
	tombstones_settle(stones, NAME_A);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(r, -EFBIG);
	assert_non_null(strstr(e.text, "creates"));
	assert_string_equal(content(), "- " NAME_A "\n");
}

static void tombstones_settle_unwritable_is_written_later(void **state)
{
	struct rlimit before, none;

	(void)state;
	tombstones_intend(stones, NAME_A, NULL);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	none = before;
	none.rlim_cur = 0; /* stands for EIO */
	setrlimit(RLIMIT_FSIZE, &none);
	tombstones_settle(stones, NAME_A);
	fake_advance(20000);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(n_errors, 1);
	assert_string_equal(content(), "+ " NAME_A "\n");
	fake_advance(5000);
	assert_string_equal(content(), "- " NAME_A "\n");
}

static void tombstones_new_without_state_works_in_memory(void **state)
{
	struct pod pod = pod_of(NAME_A, "uid-a");

	(void)state;
	fs.state_dir = "";
	restart();
	assert_int_equal(tombstones_intend(stones, NAME_A, NULL), 0);
	tombstones_bury(stones, NAME_A);
	assert_true(tombstones_claims(stones, &pod));
	restart();
	fs.state_dir = state_dir;
	assert_false(tombstones_claims(stones, &pod));
	assert_int_equal(fake_requests_out(), 0); /* cancelled with its owner */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(tombstones_settled_is_a_weaver),
		TEST(tombstones_unsettled_is_claimed_after_restart),
		TEST(tombstones_delete_is_tried_until_deleted),
		TEST(tombstones_delete_not_found_waits_for_another),
		TEST(tombstones_new_torn_line_is_ignored),
		TEST(tombstones_new_other_boot_keeps_only_buried),
		TEST(tombstones_new_day_old_is_dropped),
		TEST(tombstones_intend_compacts_a_long_journal),
		TEST(tombstones_full_disk_refuses_and_still_settles),
		TEST(tombstones_settle_unwritable_is_written_later),
		TEST(tombstones_new_without_state_works_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
