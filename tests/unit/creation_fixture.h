/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is around creation.c, rename.c and bulk.c: a registry of a few pods, a journal that
 * notes what the tombstones are told, requests that the test answers, and a clock that it moves.
 */
#pragma once
#include <errno.h>

#include "tests/unit/pods.h"

#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/claim.h"
#include "fs/life/creation.h"
#include "fs/life/drafts.h"
#include "fs/life/quota.h"
#include "fs/life/tombstones.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/record.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "fs/weaverfs.h"
#include "fs/webhook/webhook.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/fake_request.h"

/* ---- the registry ---- */

#define WORLD_PODS 100
static struct world_pod {
	struct pod *pod;
	bool gone;
} world[WORLD_PODS];
static size_t world_n;

static inline struct world_pod *world_find(const char *uid)
{
	for (size_t i = 0; i < world_n; i++) {
		if (strcmp(world[i].pod->uid, uid) == 0)
			return &world[i];
	}
	return NULL;
}

static inline const char *world_label(const struct pod *pod)
{
	const char *label = pod_label(pod, LOOM_LABEL_NAME);

	return label ? label : pod->uid;
}

static int world_view(const struct world_pod *p, struct registry_view *ret)
{
	if (!p)
		return -ENOENT;
	*ret = (struct registry_view){ .object = 1 << 20, .pod = pod_ref(p->pod), .gone = p->gone };
	return 0;
}

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	(void)r;
	return world_view(world_find(uid), ret);
}

static inline struct world_pod *world_named(const char *name)
{
	for (size_t i = 0; i < world_n; i++) {
		if (!world[i].gone && strcmp(world_label(world[i].pod), name) == 0)
			return &world[i];
	}
	return NULL;
}

int registry_lookup(struct registry *r, const char *name, struct registry_view *ret)
{
	(void)r;
	return world_view(world_named(name), ret);
}

bool registry_name_taken(struct registry *r, const char *name)
{
	(void)r;
	return world_named(name) != NULL;
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
}

void registry_counts(struct registry *r, struct registry_counts *ret)
{
	(void)r;
	*ret = (struct registry_counts){ 0 };
	for (size_t i = 0; i < world_n; i++)
		ret->active += !world[i].gone;
}

int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
{
	(void)r;
	assert_true(all); /* terminating ones count */
	*ret = calloc(world_n + 1, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; i < world_n; i++) {
		if (!world[i].gone)
			(*ret)[(*ret_n)++].pod = pod_ref(world[i].pod);
	}
	return 0;
}

void registry_list_free(struct registry_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pod_unref(entries[i].pod);
	free(entries);
}

/* ---- what is told to others, one word each ---- */

static struct buf told;

static inline void told_is(const char *expected)
{
	assert_string_equal(buf_str(&told), expected);
	buf_reset(&told);
}

int tombstones_intend(struct tombstones *t, const char *pod_name, struct error *e)
{
	(void)t;
	(void)pod_name;
	(void)e;
	buf_add_str(&told, "intend ");
	return 0;
}

void tombstones_settle(struct tombstones *t, const char *pod_name)
{
	(void)t;
	(void)pod_name;
	buf_add_str(&told, "settle ");
}

static char buried[128];

void tombstones_bury(struct tombstones *t, const char *pod_name)
{
	snprintf(buried, sizeof(buried), "%s", pod_name);
	(void)t;
	buf_add_str(&told, "bury ");
}

bool tombstones_claims(struct tombstones *t, const struct pod *pod)
{
	(void)t;
	if (!pod->name || strcmp(pod->name, buried) != 0)
		return false; /* a rival's, in the deciding list */
	buf_add_str(&told, "claims ");
	return true;
}

void sync_pod_gone(struct sync *s, const char *uid)
{
	(void)s;
	world_find(uid)->gone = true;
	buf_add_str(&told, "gone ");
}

void errors_warn(struct errors *l, uid_t uid, const char *op, const char *path, const char *text)
{
	(void)l;
	(void)uid;
	(void)op;
	(void)path;
	(void)text;
}

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	(void)l;
	(void)uid;
	(void)path;
	buf_printf(&told, "%s:%s ", op, error_name(error->code));
}

void poke_own_begin(struct poke *p, uint64_t directory, const char *name)
{
	(void)p;
	(void)directory;
	buf_printf(&told, "own(%s) ", name);
}

void poke_own_end(struct poke *p, uint64_t directory, const char *name, bool succeeded)
{
	(void)p;
	(void)directory;
	buf_printf(&told, "%s(%s) ", succeeded ? "done" : "failed", name);
}

void webhook_created(struct webhook *h, const struct pod *pod)
{
	(void)h;
	(void)pod;
}

void quota_changed(struct quota *q)
{
	(void)q;
}

void record_done(uid_t uid, pid_t pid, const char *what, const char *weaver, const struct error *e)
{
	(void)uid;
	(void)pid;
	(void)what;
	(void)weaver;
	(void)e;
}

static struct error away; /* code 0: the server is there */

bool client_away(const struct client *c, struct error *e)
{
	(void)c;
	if (away.code)
		*e = away;
	return away.code != 0;
}

int64_t client_server_time(const struct client *c)
{
	(void)c;
	return clock_realtime_ns() / CLOCK_NS_PER_S;
}

/* ---- the mount ---- */

static struct config config;
static struct metrics metrics;
static struct weaverfs fs;
static struct create create;

static inline int world_set_up(void **state)
{
	static char namespace_[] = "n", image[] = "localhost/w:1", org[] = "o";

	(void)state;
	config = (struct config){ .namespace_ = namespace_,
				  .image = image,
				  .org_id = org,
				  .default_ttl_hours = 4,
				  .max_ttl_hours = 48,
				  .max_concurrent = 64,
				  .create_timeout_ms = 2000 };
	fs = (struct weaverfs){ .config = &config, .metrics = &metrics, .create = &create };
	list_init(&fs.tasks);
	create = (struct create){ .fs = &fs };
	list_init(&create.creations);
	list_init(&create.claims);
	away = (struct error)ERROR_INIT;
	return drafts_new(&fs, &fs.drafts, NULL);
}

static inline int world_tear_down(void **state)
{
	(void)state;
	creation_cancel_all(&create);
	assert_int_equal(fake_requests_out(), 0);
	assert_true(list_empty(&fake_timers));
	assert_true(list_empty(&create.claims));
	for (size_t i = 0; i < world_n; i++)
		pod_unref(world[i].pod);
	world_n = 0;
	buf_done(&told);
	drafts_free(fs.drafts);
	return 0;
}

static inline struct pod *world_pod(const char *name, const char *uid, const char *label,
				    const char *version, uid_t owner)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"resourceVersion\":\"%s\","
		 "\"labels\":{\"loom.dev/name\":\"%s\"},\"annotations\":{\"loom.dev/uid\":\"%u\","
		 "\"loom.dev/gid\":\"1\"}}}",
		 name, uid, version, label, owner);
	return pods_parse(json);
}

/* The watch tells of a pod: into the registry, then to the claims. */
static inline void world_seen(const char *name, const char *uid, const char *label,
			      const char *version, uid_t owner)
{
	struct pod *pod = world_pod(name, uid, label, version, owner);
	struct world_pod *p = world_find(uid);

	if (!p)
		p = &world[world_n++];
	else
		pod_unref(p->pod);
	*p = (struct world_pod){ .pod = pod };
	_cleanup_(pod_unrefp) struct pod *held = pod_ref(pod); /* the claims may forget it */
	claim_pod_seen(&create.claims, held);
}

/* ---- answers ---- */

/* The name of the pod that a POST is about to make. */
static inline void world_posted_name(const struct request *r, char name[80])
{
	const char *at = strstr(r->body, "\"name\":\"weaver-");

	assert_non_null(at);
	snprintf(name, 80, "%.43s", at + strlen("\"name\":\""));
}

static inline void world_answer(struct request *r, int http, int code, bool ambiguous,
				const char *reason, const char *body)
{
	struct status status = { .code = http };
	struct reply reply = { .r = -code,
			       .http = http,
			       .ambiguous = ambiguous,
			       .body = body,
			       .len = strlen(body),
			       .status = http >= 300 ? &status : NULL };
	struct request_spec spec = r->spec;

	snprintf(status.reason, sizeof(status.reason), "%s", reason);
	if (code)
		error_set(&reply.error, code, "the server says %d", http);
	request_cancel(r);
	spec.on_done(spec.data, &reply);
}
