/* SPDX-License-Identifier: Apache-2.0 */
/* fs/reaper.c: when it acts, on whom, how often, and what it says, with fakes around it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/config.h"
#include "fs/errors.h"
#include "fs/metrics.h"
#include "fs/reaper.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook.h"
#include "k8s/pod.h"
#include "tests/unit/fake_archive.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/fake_request.h"

/* ---- the registry: pods w0 … that are there or not ---- */

#define PODS 100
static struct weaver {
	struct pod pod; /* first: weaver_expires() goes back from it */
	char name[16], pod_name[24], uid[16], version[16];
	bool present;
	int64_t expires_s; /* what its annotation says */
} weavers[PODS];
static unsigned lists;

int registry_list(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
{
	(void)r;
	assert_false(all);
	lists++;
	struct registry_entry *entries = calloc(PODS, sizeof(*entries));
	size_t n = 0;
	for (size_t i = 0; i < PODS; i++) {
		if (!weavers[i].present)
			continue;
		entries[n].pod = &weavers[i].pod;
		snprintf(entries[n].name, sizeof(entries[n].name), "%s", weavers[i].name);
		n++;
	}
	*ret = entries;
	*ret_n = n;
	return 0;
}

void registry_list_free(struct registry_entry *entries, size_t n)
{
	(void)n;
	free(entries);
}

enum registry_change registry_remove(struct registry *r, const char *uid)
{
	(void)r;
	for (size_t i = 0; i < PODS; i++)
		if (strcmp(weavers[i].uid, uid) == 0)
			weavers[i].present = false;
	return REGISTRY_REMOVED;
}

/* ---- sync: a reply takes the pod out of the root ---- */

static int writes;

void sync_write_begin(struct sync *s, struct sync_write *w, const char *uid)
{
	(void)s;
	snprintf(w->uid, sizeof(w->uid), "%s", uid);
	writes++;
}

void sync_write_end(struct sync *s, struct sync_write *w)
{
	(void)s;
	(void)w;
	writes--;
}

void sync_write_reply(struct sync *s, struct sync_write *w, const struct pod *pod)
{
	assert_string_equal(w->uid, pod->uid);
	assert_true(pod->deleted_s > 0);
	sync_write_end(s, w);
	registry_remove(NULL, w->uid);
}

void sync_pod_gone(struct sync *s, const char *uid)
{
	(void)s;
	registry_remove(NULL, uid);
}

/* ---- webhooks: the deleted of a run, then its end ---- */

static unsigned n_cleaned, n_runs, last_run;

void webhook_cleaned(struct webhook *h, const struct pod *pod)
{
	(void)h;
	(void)pod;
	n_cleaned++;
}

void webhook_cleanup(struct webhook *h)
{
	(void)h;
	n_runs += n_cleaned > 0;
	last_run = n_cleaned > 0 ? n_cleaned : last_run;
	n_cleaned = 0;
}

/* ---- the rest ---- */

static int64_t skew_s;
static unsigned n_errors;

int64_t client_server_time(const struct client *c)
{
	(void)c;
	return clock_realtime_ns() / CLOCK_NS_PER_S + skew_s;
}

int64_t weaver_expires(const struct pod *pod, const struct config *c)
{
	int64_t limit = pod->created_s + c->max_ttl_hours * 3600;
	int64_t expires = ((const struct weaver *)(const void *)pod)->expires_s;

	return expires < limit ? expires : limit;
}

struct weaver_owner weaver_owner(const struct pod *pod, uid_t mount_uid, gid_t mount_gid)
{
	(void)pod;
	(void)mount_uid;
	(void)mount_gid;
	return (struct weaver_owner){ .uid = 1001 };
}

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	(void)l;
	(void)path;
	(void)error;
	assert_int_equal(uid, 1001);
	assert_string_equal(op, "reap");
	n_errors++;
}

static struct metrics metrics;
static struct config config = {
	.namespace_ = (char[]){ "ns" },
	.max_ttl_hours = 48,
	.cleanup_interval_secs = 1800,
};
static struct weaverfs fs = { .config = &config, .metrics = &metrics };
static struct reaper *reaper;

static int64_t now_s(void)
{
	return client_server_time(NULL);
}

static void set_version(size_t i, int version)
{
	snprintf(weavers[i].version, sizeof(weavers[i].version), "%d", version);
}

/* Weaver i is there and expires in_s from now; sync says so. */
static void put(size_t i, int64_t in_s)
{
	struct weaver *w = &weavers[i];

	snprintf(w->name, sizeof(w->name), "w%zu", i);
	snprintf(w->pod_name, sizeof(w->pod_name), "weaver-%zu", i);
	snprintf(w->uid, sizeof(w->uid), "uid-%zu", i);
	set_version(i, 7);
	w->present = true;
	w->expires_s = now_s() + in_s;
	w->pod = (struct pod){
		.refs = 1,
		.name = w->pod_name,
		.uid = w->uid,
		.resource_version = w->version,
		.created_s = now_s() - 100,
	};
	reaper_pod_changed(reaper, &w->pod);
}

static void start(void)
{
	_cleanup_(buf_done) struct buf warning = BUF_INIT;

	reaper_start(reaper, &warning);
	assert_string_equal(buf_str(&warning), "");
	fake_run();
}

/* As a real server answers: the pod, terminating. */
static void accept_one(void)
{
	struct request *r = fake_request();
	const char *number = strrchr(r->path, '-') + 1;
	char body[400];

	snprintf(body, sizeof(body),
		 "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"weaver-%s\",\"namespace\":\"ns\","
		 "\"uid\":\"uid-%s\",\"resourceVersion\":\"9\","
		 "\"deletionTimestamp\":\"2027-01-15T08:00:00Z\"},\"spec\":{\"containers\":"
		 "[{\"name\":\"weaver\"}]},\"status\":{\"phase\":\"Running\"}}",
		 number, number);
	fake_answer(r, 200, 0, body);
	fake_run();
}

static const char *show(void)
{
	static struct buf out; /* kept for the next call */

	buf_reset(&out);
	reaper_show(reaper, &out);
	return buf_str(&out);
}

static int set_up(void **state)
{
	(void)state;
	memset(weavers, 0, sizeof(weavers));
	memset(&metrics, 0, sizeof(metrics));
	config.max_ttl_hours = 48;
	skew_s = 0;
	fake_now_ns = 1000 * CLOCK_NS_PER_S;
	lists = n_errors = fake_requests_made = 0;
	return reaper_new(&fs, &reaper, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	reaper_free(reaper);
	assert_int_equal(fake_requests_out(), 0);
	assert_int_equal(writes, 0);
	assert_true(list_empty(&fake_timers));
	return 0;
}

static void reaper_start_sweeps_what_expired_meanwhile(void **state)
{
	(void)state;
	put(0, -10);
	put(1, 3600);
	fake_advance(5000);
	assert_int_equal(fake_requests_out(), 0); /* not before the first list is complete */
	start();
	assert_int_equal(fake_requests_out(), 1);
	assert_string_equal(fake_request()->path, "/api/v1/namespaces/ns/pods/weaver-0");
	assert_string_equal(fake_request()->body,
			    "{\"gracePeriodSeconds\":5,\"preconditions\":{\"uid\":\"uid-0\","
			    "\"resourceVersion\":\"7\"}}");
	assert_int_equal(writes, 1);
	accept_one();
	assert_false(weavers[0].present);
	assert_true(weavers[1].present);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), 1);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP), 1);
	assert_int_equal(fake_requests_made, 1);
}

/* Strictly later than expires-at, in the server's whole seconds; not much later either. */
static void reaper_expiry_is_by_the_servers_clock(void **state)
{
	(void)state;
	skew_s = -30; /* ours is fast */
	start();
	put(0, 300);
	int64_t expires_s = weavers[0].expires_s;
	while (now_s() <= expires_s) {
		assert_int_equal(fake_requests_out(), 0);
		fake_advance(500);
	}
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 1);
	accept_one();
}

static void reaper_skew_that_changes_is_noticed_in_a_minute(void **state)
{
	(void)state;
	start();
	put(0, 3600);
	fake_advance(1000);
	skew_s = 3600;
	fake_advance(61000);
	assert_int_equal(fake_requests_out(), 1);
	accept_one();
}

static void reaper_pod_changed_is_cheap_and_keeps_the_earliest(void **state)
{
	(void)state;
	start();
	lists = 0;
	for (size_t i = 0; i < PODS; i++)
		put(i, 1000 + (int64_t)i);
	put(50, 20);
	fake_advance(19000);
	assert_int_equal(lists, 0);
	fake_advance(3000);
	assert_int_equal(lists, 1);
	assert_string_equal(strrchr(fake_request()->path, '/'), "/weaver-50");
	accept_one();
}

static void reaper_extended_meanwhile_lives(void **state)
{
	(void)state;
	start();
	put(0, 20);
	put(0, 3600);
	fake_advance(100000);
	assert_int_equal(fake_requests_made, 0);
	/* Extended on another mount while the DELETE was under way: the server says 409. */
	put(0, -1);
	fake_run();
	fake_answer(fake_request(), 409, EBUSY, "");
	put(0, 3600);
	set_version(0, 8);
	fake_advance(100000);
	assert_int_equal(fake_requests_made, 1);
	assert_true(weavers[0].present);
	assert_int_equal(n_errors, 0);
}

static void reaper_conflict_looks_again_when_the_pod_changes(void **state)
{
	(void)state;
	put(0, -1);
	start();
	fake_answer(fake_request(), 409, EBUSY, "");
	fake_advance(1000);
	reaper_pod_changed(reaper, &weavers[0].pod); /* the state that was refused */
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 0);
	set_version(0, 8);
	reaper_pod_changed(reaper, &weavers[0].pod);
	fake_run();
	assert_int_equal(fake_requests_out(), 1);
	assert_non_null(strstr(fake_request()->body, "\"resourceVersion\":\"8\""));
	accept_one();
}

static void reaper_failure_is_tried_again(void **state)
{
	(void)state;
	put(0, -1);
	start();
	fake_answer(fake_request(), 0, EHOSTUNREACH, "");
	assert_int_equal(writes, 0);
	assert_int_equal(n_errors, 1);
	assert_non_null(strstr(show(), "would-delete\tw0\tweaver-0\t"));
	assert_non_null(strstr(show(), "\t0\t1\nfailed\tw0\tweaver-0\tEHOSTUNREACH\tthe server"));
	fake_advance(9000);
	assert_int_equal(fake_requests_out(), 0);
	fake_advance(1000);
	assert_int_equal(fake_requests_out(), 1);
	for (int i = 0; i < 5; i++) {
		fake_answer(fake_request(), 0, EHOSTUNREACH, "");
		fake_advance(30000);
		assert_int_equal(fake_requests_out(), 1);
	}
	assert_int_equal(n_errors, 1);
	accept_one();
	assert_non_null(strstr(show(), "\t1\t0\ndeleted\tw0\tweaver-0\t"));
	assert_null(strstr(show(), "would-delete"));
	fake_advance(100000);
	assert_int_equal(fake_requests_out(), 0);
}

static void reaper_not_found_and_finished_are_gone(void **state)
{
	(void)state;
	put(0, -1);
	put(1, -1);
	start();
	fake_answer(fake_request(), 404, ENOENT, "");
	/* A pod that had ended is gone with the reply, which has no deletionTimestamp. */
	fake_answer(fake_request(), 200, 0,
		    "{\"metadata\":{\"name\":\"weaver-1\",\"uid\":\"uid-1\"}}");
	assert_false(weavers[0].present);
	assert_false(weavers[1].present);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), 1);
}

static void reaper_many_go_16_at_a_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < PODS; i++)
		put(i, -1);
	start();
	assert_int_equal(fake_requests_out(), 16);
	for (size_t i = 0; i < PODS; i++) {
		assert_true(fake_requests_out() > 0 && fake_requests_out() <= 16);
		accept_one();
	}
	assert_int_equal(fake_requests_made, PODS);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP_DELETED), PODS);
	assert_int_equal(metrics_get(&metrics, METRIC_CLEANUP), 1);
	assert_non_null(strstr(show(), "\t100\t0\n"));
}

static void reaper_sweep_comes_each_interval(void **state)
{
	(void)state;
	start();
	lists = 0;
	/* One that sync never told us of. */
	put(0, 100);
	weavers[0].expires_s = now_s() + 500;
	fake_advance(1799000);
	assert_int_equal(fake_requests_made, 1); /* the timer of 100 s found out */
	accept_one();
	unsigned before = lists;
	fake_advance(1000);
	assert_int_equal(lists, before + 1);
	assert_non_null(strstr(show(), "last-sweep\t"));
}

static void reaper_start_names_what_a_lower_maximum_cuts(void **state)
{
	_cleanup_(buf_done) struct buf warning = BUF_INIT;

	(void)state;
	put(0, 40 * 3600);
	put(1, 3600);
	weavers[2].expires_s = 0;
	config.max_ttl_hours = 2;
	reaper_start(reaper, &warning);
	assert_string_equal(buf_str(&warning),
			    "max_ttl_hours=2 ends weavers before their time: w0 at "
			    "2027-01-15T10:15:00Z instead of 2027-01-17T00:16:40Z");
	assert_int_equal(fake_requests_out(), 0);
	fake_run();
	assert_string_equal(show(), "cut\tw0\tweaver-0\t2027-01-15T10:15:00Z\t"
				    "2027-01-17T00:16:40Z\nlast-sweep\t2027-01-15T08:16:40Z\n");
}

static void reaper_free_cancels_what_is_under_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < 20; i++)
		put(i, -1);
	start();
	assert_int_equal(fake_requests_out(), 16);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(reaper_start_sweeps_what_expired_meanwhile),
		TEST(reaper_expiry_is_by_the_servers_clock),
		TEST(reaper_skew_that_changes_is_noticed_in_a_minute),
		TEST(reaper_pod_changed_is_cheap_and_keeps_the_earliest),
		TEST(reaper_extended_meanwhile_lives),
		TEST(reaper_conflict_looks_again_when_the_pod_changes),
		TEST(reaper_failure_is_tried_again),
		TEST(reaper_not_found_and_finished_are_gone),
		TEST(reaper_many_go_16_at_a_time),
		TEST(reaper_sweep_comes_each_interval),
		TEST(reaper_start_names_what_a_lower_maximum_cuts),
		TEST(reaper_free_cancels_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
