/* SPDX-License-Identifier: Apache-2.0 */
/* attr_control.c, attr_weavers.c: the mount's own files, and who sees which weavers. */
#include "tests/unit/attr_view.h"

#include <errno.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/errors.h"
#include "fs/life/reaper.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/sync.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/request.h"
#include "tests/unit/fake_streams.h"

/* ---- in place of the cluster ---- */

static struct {
	bool away, sick;
} cluster;

bool client_away(const struct client *c, struct error *e)
{
	(void)c;
	if (cluster.away)
		error_set(e, EHOSTUNREACH, "away since noon");
	return cluster.away;
}

int64_t client_clock_skew_ms(const struct client *c)
{
	(void)c;
	return -250;
}

int64_t client_latency_ms(const struct client *c)
{
	(void)c;
	return 12;
}

struct cluster *client_cluster(struct client *c)
{
	(void)c;
	return NULL;
}

const char *cluster_server(const struct cluster *c)
{
	(void)c;
	return "https://127.0.0.1:6443";
}

bool sync_healthy(struct sync *s, struct error *e)
{
	(void)s;
	if (cluster.sick)
		error_set(e, EIO, "no watch");
	return !cluster.sick;
}

int64_t sync_last_event_ns(struct sync *s)
{
	(void)s;
	return clock_monotonic_ns() - 3 * CLOCK_NS_PER_S;
}

bool poke_running(struct poke *p, struct error *e)
{
	(void)p;
	error_set(e, EPERM, "only a mount by root");
	return false;
}

void client_counts(const struct client *c, uint64_t *calls, uint64_t *failures)
{
	(void)c;
	*calls = 7;
	*failures = 2;
}

static int runs;

void reaper_run(struct reaper *r, struct act *a)
{
	(void)r;
	(void)a;
	runs++;
}

void reaper_show(struct reaper *r, struct buf *out)
{
	(void)r;
	buf_add_str(out, "next: none\n");
}

int store_annotation(struct store_ctx *c, const char *key, const char *value)
{
	fail_msg("%s=%s of %p", key, value, (void *)c);
	return 0;
}

/* ---- a mount with weavers ---- */

struct mount {
	struct attr_view v;
	struct metrics metrics;
};

static void mount_init(struct mount *m)
{
	static char namespace[] = "loom-weavers";

	memset(&cluster, 0, sizeof(cluster));
	memset(m, 0, sizeof(*m));
	attr_view_init(&m->v, NULL, NULL);
	m->v.config.namespace_ = namespace;
	m->v.fs.metrics = &m->metrics;
	m->v.fs.state_dir = "/var/lib/weaverfs/x";
	assert_int_equal(registry_new(&m->v.fs.registry, NULL), 0);
	assert_int_equal(errors_new(&m->v.fs.errors, NULL), 0);
}

static void mount_done(struct mount *m)
{
	registry_free(m->v.fs.registry);
	errors_free(m->v.fs.errors);
}

/* The n-th weaver, with that directory. */
static void add_weaver(struct mount *m, int n, const char *image, int uid, int gid,
		       const char *mode)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"p%d\",\"uid\":\"u%d\",\"creationTimestamp\":"
		 "\"2026-01-01T00:00:00Z\",\"labels\":{\"loom.dev/weaver-id\":"
		 "\"01a20afc-423d-7bc9-a983-83cfcb139d%02d\",\"loom.dev/name\":\"w%d\"},"
		 "\"annotations\":{\"loom.dev/uid\":\"%d\",\"loom.dev/gid\":\"%d\","
		 "\"loom.dev/mode\":\"%s\",\"loom.dev/lifetime-hours\":\"4\"}},"
		 "\"spec\":{\"containers\":[{\"name\":\"weaver\",\"image\":\"%s\"}]}}",
		 n, n, n, n, uid, gid, mode, image);
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	assert_int_equal(registry_apply(m->v.fs.registry, pod, 0), REGISTRY_ADDED);
}

static void show(struct mount *m, attr_view_show *show_file, struct buf *out)
{
	buf_reset(out);
	assert_int_equal(show_file(&m->v.view, out, NULL), 0);
}

static void weavers_show_is_looms_table(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct mount m;
	char ruler[98];

	(void)state;
	mount_init(&m);
	show(&m, control_weavers_show, &out);
	assert_string_equal(buf_str(&out), "No weavers running\n");
	add_weaver(&m, 1, "ghcr.io/ghuntley/loom/weaver:latest", 1000, 1000, "0750");
	show(&m, control_weavers_show, &out);
	memset(ruler, '-', 96);
	strcpy(ruler + 96, "\n");
	char *line = strchr(out.data, '\n') + 1;
	assert_memory_equal(out.data, "ID                                       IMAGE      ", 52);
	assert_memory_equal(line, ruler, 97);
	assert_string_equal(line + 97,
			    "01a20afc-423d-7bc9-a983-83cfcb139d01     "
			    "ghcr.io/ghuntley/loom/wea...   pending    1.0h     4h      \n");
	mount_done(&m);
}

/* How many of the weavers below a caller sees. */
static size_t count_seen(struct mount *m, uid_t uid, gid_t gid)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	size_t lines = 0;

	m->v.view.caller = (struct caller){ .uid = uid, .gid = gid, .pid = getpid() };
	show(m, control_weavers_show, &out);
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	return lines < 2 ? 0 : lines - 2;
}

static void weavers_show_is_of_those_the_caller_may_see(void **state)
{
	struct mount m;

	(void)state;
	mount_init(&m);
	add_weaver(&m, 1, "i", 1000, 2000, "0750");
	add_weaver(&m, 2, "i", 1001, 2000, "0700");
	add_weaver(&m, 3, "i", 1001, 2001, "0755");
	add_weaver(&m, 4, "i", 1001, 2001, "0754"); /* may be listed, but not entered */
	add_weaver(&m, 5, "i", 1002, 1002, "0077"); /* its owner has shut itself out */
	assert_int_equal(count_seen(&m, 0, 0), 5);
	assert_int_equal(count_seen(&m, 1000, 1000), 3); /* 1, 3, 5 */
	assert_int_equal(count_seen(&m, 1001, 1001), 4); /* 2, 3, 4, 5 */
	assert_int_equal(count_seen(&m, 1002, 1002), 1); /* 3 */
	assert_int_equal(count_seen(&m, 5000, 2000), 3); /* 1, 3, 5 */
	assert_int_equal(count_seen(&m, 5000, 5000), 2); /* 3, 5 */
	mount_done(&m);
}

/* A process of its own, so that its groups can be set. */
static void weavers_show_supplementary_groups_count(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	pid_t child = fork();
	if (child == 0) {
		gid_t groups[] = { 2000, 3000 };
		struct mount m;
		mount_init(&m);
		add_weaver(&m, 1, "i", 1000, 2000, "0750");
		add_weaver(&m, 2, "i", 1000, 20, "0750");
		_exit(setgroups(2, groups) == 0 && count_seen(&m, 5000, 5000) == 1 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void health_show_first_line_says_it(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct mount m;

	(void)state;
	mount_init(&m);
	add_weaver(&m, 1, "i", 1, 1, "0750");
	show(&m, control_health_show, &out);
	assert_string_equal(
		buf_str(&out),
		"ok\nserver=https://127.0.0.1:6443\nnamespace=loom-weavers\n"
		"latency_ms=12\nwatch=ok\ninotify=only a mount by root\nvisible_to=everybody\nlast_event_age_s=3\nweavers=1\n"
		"terminating=0\nunnamed=0\nclock_skew_ms=-250\nsimulated=0\n"
		"state_dir=/var/lib/weaverfs/x\n");
	cluster.sick = true;
	show(&m, control_health_show, &out);
	assert_memory_equal(out.data, "degraded: no watch\n", 19);
	assert_non_null(strstr(out.data, "\nwatch=no watch\n"));
	cluster.away = true;
	show(&m, control_health_show, &out);
	assert_memory_equal(out.data, "degraded: away since noon\n", 26);
	mount_done(&m);
}

static void metrics_show_has_gauges(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct mount m;

	(void)state;
	mount_init(&m);
	add_weaver(&m, 1, "i", 1, 1, "0750");
	metrics_add(&m.metrics, METRIC_CREATED, 2);
	show(&m, control_metrics_show, &out);
	assert_non_null(strstr(out.data, "\nloom_weavers_created_total 2\n"));
	assert_non_null(strstr(out.data, "\nloom_weavers_active 1\n"));
	assert_non_null(strstr(out.data, "\nweaverfs_weavers 1\n"));
	assert_non_null(strstr(out.data, "\nweaverfs_up 1\n"));
	assert_non_null(strstr(out.data, "\nweaverfs_errors_total 0\n"));
	assert_non_null(strstr(out.data, "\nweaverfs_api_failures_total 2\n"));
	assert_null(strstr(out.data, "\nweaverfs_pod_bytes 0\n"));
	mount_done(&m);
}

static void errors_show_is_own_or_all(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct error e = { .code = EINVAL, .text = "why" };
	struct mount m;

	(void)state;
	mount_init(&m);
	errors_add(m.v.fs.errors, 1000, "write", "a/ttl", &e);
	const struct {
		uid_t uid;
		bool sees;
	} cases[] = { { 0, true }, { 7, true }, { 1000, true }, { 1001, false } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		m.v.view.caller.uid = cases[i].uid;
		show(&m, control_errors_show, &out);
		assert_int_equal(out.len > 0, cases[i].sees);
	}
	mount_done(&m);
}

static void help_show_names_every_file(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct mount m;

	(void)state;
	mount_init(&m);
	show(&m, control_help_show, &out);
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++)
		assert_true(table_rows[row].flags & ATTR_DIRECTORY ||
			    strstr(out.data, table_rows[row].help));
	for (char *line = out.data; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 120);
	show(&m, control_version_show, &out);
	assert_string_equal(buf_str(&out), WEAVERFS_VERSION "\n");
	show(&m, control_reap_show, &out);
	assert_string_equal(buf_str(&out), "next: none\n");
	mount_done(&m);
}

static void reap_act_is_refused_while_the_server_is_away(void **state)
{
	struct error e = ERROR_INIT;
	struct mount m;

	(void)state;
	mount_init(&m);
	runs = 0;
	cluster.away = true;
	assert_int_equal(control_reap_act(&m.v.fs, NULL, &e), -EHOSTUNREACH);
	assert_string_equal(e.text, "away since noon");
	cluster.away = false;
	assert_int_equal(runs, 0);
	assert_int_equal(control_reap_act(&m.v.fs, NULL, &e), 0);
	assert_int_equal(runs, 1);
	mount_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weavers_show_is_looms_table),
		cmocka_unit_test(weavers_show_is_of_those_the_caller_may_see),
		cmocka_unit_test(weavers_show_supplementary_groups_count),
		cmocka_unit_test(health_show_first_line_says_it),
		cmocka_unit_test(metrics_show_has_gauges),
		cmocka_unit_test(errors_show_is_own_or_all),
		cmocka_unit_test(help_show_names_every_file),
		cmocka_unit_test(reap_act_is_refused_while_the_server_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
