/* SPDX-License-Identifier: Apache-2.0 */
/* poke.c: what is given to the helpers when others and users change the same names and files. */
#include "fs/poke/poke.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/metrics.h"
#include "fs/poke/poke_change.h"
#include "fs/poke/poke_mount.h"
#include "fs/poke/poke_process.h"
#include "fs/poke/poke_queue.h"
#include "fs/registry.h"
#include "fs/tree/ino.h"
#include "fs/weaverfs.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/pods.h"

/* ---- in place of the helpers, the kernel and the server ---- */

struct poke_process {
	struct poke_process_spec spec;
	unsigned out;
};

#define ARCHIVED 0x7777777

static struct poke_process *processes[2];
static char sent[1024];      /* "mkdir a;" … in the order of both helpers */
static uint64_t main_object; /* of the weaver */

int poke_process_new(const struct poke_process_spec *spec, struct poke_process **ret,
		     struct error *e)
{
	(void)e;
	struct poke_process *p = calloc(1, sizeof(*p));
	p->spec = *spec;
	processes[processes[0] ? 1 : 0] = p;
	*ret = p;
	spec->ops->is(spec->data, processes[1] ? 102 : 101, true);
	spec->ops->ready(spec->data);
	return 0;
}

void poke_process_free(struct poke_process *p)
{
	free(p);
}

static void answer(struct poke_process *p, int error)
{
	p->out--;
	p->spec.ops->answered(p->spec.data, error, -1);
}

void poke_process_send(struct poke_process *p, enum poke_op op, const char *path)
{
	static const char *const words[] = { "mkdir", "rmdir", "modify" };
	size_t len = strlen(sent);

	p->out++;
	snprintf(sent + len, sizeof(sent) - len, "%s %s;", words[op], path);
}

/* All that waits. */
static const char *run(void)
{
	static char said[1024];

	while (processes[0]->out || processes[1]->out)
		for (int i = 0; i < 2; i++)
			if (processes[i]->out)
				answer(processes[i], 0);
	snprintf(said, sizeof(said), "%s", sent);
	sent[0] = '\0';
	return said;
}

int poke_mount_clone(const char *mountpoint, dev_t *ret_device, struct error *e)
{
	(void)mountpoint;
	(void)e;
	*ret_device = 7;
	return open("/", O_PATH | O_CLOEXEC);
}

uid_t geteuid(void)
{
	return 0;
}

void poke_change_path(const struct poke_what *what, char *to, size_t size)
{
	const char *directory = what->directory == INO_OBJECT_ARCHIVE  ? ".archive/"
				: what->directory == INO_OBJECT_DRAFTS ? ".drafts/"
								       : "";

	if (what->op == POKE_MODIFY)
		snprintf(to, size, "%s%s/%u", directory, what->name, what->row);
	else
		snprintf(to, size, "%s%s", directory, what->name);
}

bool poke_change_archived(const struct weaverfs *of, uint64_t object, unsigned row,
			  struct poke_what *ret)
{
	(void)of;
	*ret = (struct poke_what){ .op = POKE_MODIFY,
				   .weaver = object,
				   .object = object,
				   .directory = INO_OBJECT_ARCHIVE,
				   .name = "old",
				   .row = row };
	return object == ARCHIVED;
}

/* Nobody has looked at row 9; who looks by the id, at row 8. */
bool poke_change_visible(const struct weaverfs *fs, uint64_t object, unsigned row)
{
	(void)fs;
	return object == main_object || object == ARCHIVED ? row != 9 : row == 8;
}

void poke_change_compare(const struct weaverfs *fs, const struct registry_view *before,
			 const struct registry_view *after,
			 void (*changed)(void *data, uint64_t object, unsigned row), void *data)
{
	(void)fs;
	if (before->pod != after->pod)
		changed(data, after->object, 5);
}

/* ---- a mount with a weaver ---- */

static struct weaverfs fs;
static struct metrics metrics;
static struct poke *poke;

/* Changes the registry as sync does. */
static void apply(const char *name, const char *version, bool terminating)
{
	char json[512];
	struct poke_publication poking;

	snprintf(
		json, sizeof(json),
		"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"resourceVersion\":\"%s\",%s"
		"\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"loom.dev/name\":\"%s\"}}}",
		version, terminating ? "\"deletionTimestamp\":\"2026-01-01T00:00:09Z\"," : "",
		name);
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	poke_publish_begin(poke, pod->uid, &poking);
	assert_true(poke_pending(poke, INO_OBJECT_ROOT, "whatever"));
	registry_apply(fs.registry, pod, clock_monotonic_ns());
	poke_publish_end(poke, &poking);
	struct registry_view w;
	if (registry_find_uid(fs.registry, "u", &w) == 0) {
		main_object = w.object;
		registry_view_done(&w);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(processes, 0, sizeof(processes));
	sent[0] = '\0';
	metrics = (struct metrics){ 0 };
	fs = (struct weaverfs){ .metrics = &metrics,
				.mountpoint = "/mnt",
				.session = (struct fuse_session *)&fs };
	assert_int_equal(registry_new(&fs.registry, NULL), 0);
	assert_int_equal(poke_new(&fs, &poke, NULL), 0);
	return 0;
}

static int setup_running(void **state)
{
	setup(state);
	poke_start(poke);
	assert_true(poke_running(poke, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	poke_free(poke);
	registry_free(fs.registry);
	assert_true(list_empty(&fake_timers));
	return 0;
}

static void poke_null_and_not_started_do_nothing(void **state)
{
	struct error e = ERROR_INIT;
	uint64_t object;

	(void)state;
	poke_added(poke, INO_OBJECT_ROOT, "a", 1);
	poke_changed(poke, 1, 1);
	assert_false(poke_running(poke, &e));
	assert_true(e.code != 0 && e.text[0]);
	assert_false(poke_pending(poke, INO_OBJECT_ROOT, "a"));
	poke_added(NULL, INO_OBJECT_ROOT, "a", 1);
	poke_own_begin(NULL, INO_OBJECT_ROOT, "a");
	poke_own_end(NULL, INO_OBJECT_ROOT, "a", true);
	assert_false(poke_pending(NULL, INO_OBJECT_ROOT, "a"));
	assert_int_equal(poke_lookup(NULL, 101, INO_OBJECT_ROOT, "a", &object), POKE_NOT_OURS);
}

static void poke_publish_tells_what_became_of_a_weaver(void **state)
{
	(void)state;
	apply("a", "1", false);
	assert_string_equal(run(), "mkdir a;");
	apply("a", "1", false); /* the same state again */
	assert_string_equal(run(), "");
	apply("a", "2", false);
	assert_string_equal(run(), "modify a/5;");
	apply("b", "3", false);
	assert_string_equal(run(), "rmdir a;mkdir b;modify b/5;");
	apply("b", "4", true);
	assert_string_equal(run(), "rmdir b;");
	apply("b", "5", true);
	assert_string_equal(run(), "");
}

static void poke_directories_have_their_paths(void **state)
{
	(void)state;
	poke_added(poke, INO_OBJECT_ARCHIVE, "a~1", 1);
	assert_string_equal(run(), "mkdir .archive/a~1;");
	poke_removed(poke, INO_OBJECT_DRAFTS, "d", 2);
	assert_string_equal(run(), "rmdir .drafts/d;");
}

static void poke_own_success_drops_the_first_change_only(void **state)
{
	(void)state;
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	apply("a", "1", false);
	assert_string_equal(run(), "");
	poke_own_end(poke, INO_OBJECT_ROOT, "a", true);
	assert_string_equal(run(), "");
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	apply("a", "2", true);
	poke_added(poke, INO_OBJECT_ROOT, "a", 77); /* another mount's, at once */
	poke_own_end(poke, INO_OBJECT_ROOT, "a", true);
	assert_string_equal(run(), "mkdir a;");
	assert_int_equal(metrics_get(&metrics, METRIC_EVENTS_MISSED), 0);
}

static void poke_own_failure_pokes_what_was_held(void **state)
{
	(void)state;
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	apply("a", "1", false);
	poke_own_end(poke, INO_OBJECT_ROOT, "a", false);
	assert_string_equal(run(), "");
	poke_own_end(poke, INO_OBJECT_ROOT, "a", false);
	assert_string_equal(run(), "mkdir a;");
}

/* A remote removal waits for the lock of the user's mkdir of the same name. */
static void poke_own_success_withdraws_what_waits(void **state)
{
	(void)state;
	apply("a", "1", false);
	assert_string_equal(run(), "mkdir a;");
	poke_added(poke, INO_OBJECT_ROOT, "busy", 9);
	apply("a", "2", true);
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	poke_added(poke, INO_OBJECT_ROOT, "a", 78);
	poke_own_end(poke, INO_OBJECT_ROOT, "a", true);
	assert_string_equal(run(), "mkdir busy;rmdir a;"); /* and is refused when it comes */
	assert_int_equal(metrics_get(&metrics, METRIC_EVENTS_MISSED), 1);
}

static void poke_excuses_helpers_while_users_hold_the_directory(void **state)
{
	const struct poke_process_spec *spec;

	(void)state;
	spec = &processes[0]->spec;
	fake_advance(10000);
	assert_false(spec->ops->excused(spec->data));
	poke_own_begin(poke, INO_OBJECT_ROOT, "a");
	fake_advance(10000);
	assert_true(spec->ops->excused(spec->data));
	poke_own_end(poke, INO_OBJECT_ROOT, "a", false);
	fake_advance(4000);
	assert_true(spec->ops->excused(spec->data));
	fake_advance(2000);
	assert_false(spec->ops->excused(spec->data));
}

static void poke_changed_only_where_somebody_can_see(void **state)
{
	(void)state;
	apply("a", "1", false);
	run();
	poke_changed(poke, main_object, 9);
	assert_string_equal(run(), "");
	poke_changed(poke, main_object, 8); /* by its id too */
	assert_string_equal(run(), "modify a/8;modify u/8;");
	poke_changed(poke, main_object, 5);
	poke_changed(poke, main_object, 5);
	assert_string_equal(run(), "modify a/5;");
}

static void poke_write_raises_its_own(void **state)
{
	struct poke_write w;

	(void)state;
	apply("a", "1", false);
	run();
	poke_write_begin(poke, &w, main_object, 5);
	apply("a", "2", false);
	poke_changed(poke, main_object, 6);
	poke_write_end(poke, &w, true);
	assert_string_equal(run(), "modify a/6;");
	poke_write_begin(poke, &w, main_object, 5);
	apply("a", "3", false); /* another's, and then ours fails */
	assert_string_equal(run(), "");
	poke_write_end(poke, &w, false);
	assert_string_equal(run(), "modify a/5;");
	poke_write_begin(poke, &w, main_object, 5);
	poke_write_end(poke, &w, false);
	assert_string_equal(run(), "");
}

static void poke_grown_at_most_ten_times_a_second(void **state)
{
	(void)state;
	apply("a", "1", false);
	run();
	poke_grown(poke, main_object, 4);
	assert_string_equal(run(), "modify a/4;"); /* at once */
	for (int i = 0; i < 50; i++) {
		poke_grown(poke, main_object, 4);
		fake_advance(1);
	}
	assert_string_equal(run(), "");
	fake_advance(50);
	assert_string_equal(run(), "modify a/4;"); /* the last growth is never lost */
	fake_advance(200);
	assert_string_equal(run(), "");
	poke_grown(poke, main_object, 4);
	assert_string_equal(run(), "modify a/4;");
	fake_advance(200);
}

static void poke_gone_shows_the_last_growth_first(void **state)
{
	(void)state;
	apply("a", "1", false);
	run();
	poke_grown(poke, main_object, 4);
	run();
	poke_grown(poke, main_object, 4);
	apply("a", "2", true);
	assert_string_equal(run(), "modify a/4;rmdir a;");
	fake_advance(200);
	assert_string_equal(run(), "");
}

static void poke_changed_of_an_archive_entry(void **state)
{
	(void)state;
	poke_changed(poke, ARCHIVED, 3);
	poke_removed(poke, INO_OBJECT_ARCHIVE, "old", ARCHIVED);
	assert_string_equal(run(), "modify .archive/old/3;rmdir .archive/old;");
}

static void poke_unmounted_stops(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	processes[0]->spec.ops->unmounted(processes[0]->spec.data);
	assert_false(poke_running(poke, &e));
	assert_int_equal(e.code, ENODEV);
	poke_added(poke, INO_OBJECT_ROOT, "a", 1);
	assert_string_equal(run(), "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_running, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(poke_null_and_not_started_do_nothing, setup,
						teardown),
		TEST(poke_publish_tells_what_became_of_a_weaver),
		TEST(poke_directories_have_their_paths),
		TEST(poke_own_success_drops_the_first_change_only),
		TEST(poke_own_failure_pokes_what_was_held),
		TEST(poke_own_success_withdraws_what_waits),
		TEST(poke_excuses_helpers_while_users_hold_the_directory),
		TEST(poke_changed_only_where_somebody_can_see),
		TEST(poke_write_raises_its_own),
		TEST(poke_grown_at_most_ten_times_a_second),
		TEST(poke_gone_shows_the_last_growth_first),
		TEST(poke_changed_of_an_archive_entry),
		TEST(poke_unmounted_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
