/* SPDX-License-Identifier: Apache-2.0 */
/* What fs/life/reaper.c needs around it, faked: the registry, sync, a clock, errors. */
#pragma once
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/reaper.h"
#include "fs/metrics.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/tree/act.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook.h"
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

int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
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

static inline const char *show(void)
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
