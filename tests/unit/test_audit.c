/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/audit.c: whose trail is kept, from when, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/audit.h"
#include "fs/logs/logs.h"
#include "fs/registry.h"
#include "fs/weaver/podspec.h"
#include "fs/weaverfs.h"
#include "k8s/pod.h"
#include "tests/unit/fake_loop.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"

/* ---- one weaver ---- */

static struct pod_container sidecar, weaver;
static struct pod pod = {
	.refs = 1,
	.uid = UID,
	.init = &sidecar,
	.n_init = 1,
	.containers = &weaver,
	.n_containers = 1,
};

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	(void)r;
	if (strcmp(uid, UID) != 0)
		return -ENOENT;
	*ret = (struct registry_view){ .pod = pod_ref(&pod) };
	return 0;
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
}

/* ---- the trail ---- */

static struct logs_keeper *kept; /* NULL: nobody wants it */
static unsigned keeps;
static bool full, ended;

int logs_keep(struct logs *l, struct logs_keeper *k, const struct registry_view *v, bool complete,
	      struct error *e)
{
	assert_ptr_equal(l, &keeps);
	assert_ptr_equal(v->pod, &pod);
	assert_false(complete);
	assert_null(kept);
	if (full)
		return error_set(e, ENOSPC, "no room");
	keeps++;
	kept = k;
	k->file = (struct log_file *)&kept;
	return 0;
}

void logs_unkeep(struct logs_keeper *k, bool spare)
{
	assert_ptr_equal(k, kept);
	assert_false(spare);
	k->file = NULL;
	kept = NULL;
}

bool logs_kept_ended(const struct logs_keeper *k, bool *ret_complete)
{
	assert_ptr_equal(k, kept);
	*ret_complete = ended;
	return ended;
}

static struct config config;
static struct weaverfs fs = { .config = &config,
			      .logs = { [SPOOL_AUDIT] = (struct logs *)&keeps } };
static struct audit *audit;

static void begin(const char *follow)
{
	config.audit_follow = strcpy((char[8]){ "" }, follow);
	assert_int_equal(audit_new(&fs, &audit, NULL), 0);
	config.audit_follow = NULL;
}

static int set_up(void **state)
{
	(void)state;
	sidecar = (struct pod_container){ .name = LOOM_SIDECAR,
					  .restartable = true,
					  .state = POD_STATE_RUNNING };
	weaver = (struct pod_container){ .name = LOOM_CONTAINER, .state = POD_STATE_RUNNING };
	keeps = 0;
	full = ended = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	audit_free(audit);
	assert_null(kept);
	assert_true(list_empty(&fake_timers));
	assert_int_equal(pod.refs, 1);
	return 0;
}

/* More has come, or the end. */
static void trail_changed(void)
{
	kept->changed(kept);
	assert_non_null(kept); /* from inside the call nothing may be let go */
	fake_run();
}

static void audit_always_keeps_each_trail_from_its_start_once(void **state)
{
	(void)state;
	begin("always");
	sidecar.state = POD_STATE_WAITING;
	audit_pod_changed(audit, UID);
	assert_null(kept);
	sidecar.state = POD_STATE_RUNNING;
	weaver.state = POD_STATE_WAITING;
	audit_pod_changed(audit, UID);
	assert_non_null(kept);
	audit_pod_changed(audit, UID);
	audit_pod_changed(audit, "another");
	trail_changed();
	assert_non_null(kept);
	assert_int_equal(keeps, 1);
}

static void audit_open_keeps_the_trail_of_an_ended_weaver(void **state)
{
	(void)state;
	begin("open");
	audit_pod_changed(audit, UID);
	assert_null(kept);
	weaver.state = POD_STATE_TERMINATED;
	audit_pod_changed(audit, UID);
	assert_non_null(kept);
}

static void audit_weaver_without_sidecar_has_no_trail(void **state)
{
	(void)state;
	begin("always");
	sidecar.restartable = false; /* an init container that is called so */
	audit_pod_changed(audit, UID);
	assert_null(kept);
	audit_pod_gone(audit, UID);
}

static void audit_without_room_is_tried_with_the_next_change(void **state)
{
	(void)state;
	begin("always");
	full = true;
	audit_pod_changed(audit, UID);
	assert_null(kept);
	full = false;
	audit_pod_changed(audit, UID);
	assert_non_null(kept);
}

static void audit_ended_trail_is_let_go_and_not_taken_again(void **state)
{
	(void)state;
	begin("always");
	audit_pod_changed(audit, UID);
	ended = true;
	trail_changed();
	assert_null(kept);
	audit_pod_changed(audit, UID);
	assert_null(kept);
	/* With the pod it is forgotten: the next one of the number is another. */
	audit_pod_gone(audit, UID);
	audit_pod_changed(audit, UID);
	assert_int_equal(keeps, 2);
}

static void audit_trail_outlives_its_pod_until_the_end(void **state)
{
	(void)state;
	begin("always");
	audit_pod_changed(audit, UID);
	audit_pod_gone(audit, UID);
	trail_changed();
	assert_non_null(kept);
	ended = true;
	trail_changed();
	assert_null(kept);
	audit_pod_changed(audit, UID);
	assert_int_equal(keeps, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(audit_always_keeps_each_trail_from_its_start_once),
		TEST(audit_open_keeps_the_trail_of_an_ended_weaver),
		TEST(audit_weaver_without_sidecar_has_no_trail),
		TEST(audit_without_room_is_tried_with_the_next_change),
		TEST(audit_ended_trail_is_let_go_and_not_taken_again),
		TEST(audit_trail_outlives_its_pod_until_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
