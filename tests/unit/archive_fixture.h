/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive on a real directory, with a registry of one weaver and logs of our own, for the tests
 * of fs/archive/archive*.c.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/archive/archive.h"
#include "fs/attr/attr_handlers.h"
#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/logs/log_file.h"
#include "fs/logs/logs.h"
#include "fs/logs/spool.h"
#include "fs/poke/poke.h"
#include "fs/tree/ino.h"
#include "fs/weaverfs.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/fake_request.h"
#include "tests/unit/pods.h"

#define UID "0b5c4c4e-5c11-4a4f-9d5c-0a9f7d1f2a33"
#define NAME "fix-42~7d1f2a33"

/* ---- the registry: one weaver ---- */

static struct pod *pod; /* NULL: none */
static bool shown;

static inline void set_pod(const char *phase, bool deleted, const char *state)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"weaver-x\",\"namespace\":\"ns\",\"uid\":\"" UID "\","
		 "\"resourceVersion\":\"%d\",\"labels\":{\"loom.dev/name\":\"fix-42\","
		 "\"loom.dev/weaver-id\":\"" UID "\"}%s,"
		 "\"annotations\":{\"loom.dev/uid\":\"1000\",\"loom.dev/gid\":\"1001\","
		 "\"loom.dev/mode\":\"0710\"}},"
		 "\"spec\":{\"containers\":[{\"name\":\"weaver\",\"image\":\"i\"}]},"
		 "\"status\":{\"phase\":\"%s\",\"containerStatuses\":[{\"name\":\"weaver\","
		 "\"containerID\":\"containerd://1\",\"state\":{%s}}]}}",
		 rand(),
		 deleted ? ",\"deletionTimestamp\":\"2027-01-15T08:00:05Z\","
			   "\"deletionGracePeriodSeconds\":5"
			 : "",
		 phase, state);
	pod_unref(pod);
	pod = pods_parse(json);
}

#define RUNNING "\"running\":{\"startedAt\":\"2027-01-15T07:00:00Z\"}"
#define EXITED "\"terminated\":{\"exitCode\":3,\"finishedAt\":\"2027-01-15T08:00:01Z\"}"

static inline struct registry_view last_view(void)
{
	struct registry_view v = { .object = ino_object_of(UID, ""), .name = "fix-42" };

	v.pod = pod_ref(pod);
	v.shown = shown;
	v.gone = !shown;
	return v;
}

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	(void)r;
	if (!pod || strcmp(uid, UID) != 0)
		return -ENOENT;
	*ret = last_view();
	return 0;
}

int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
{
	(void)r;
	assert_true(all);
	*ret = calloc(1, sizeof(**ret));
	*ret_n = pod ? 1 : 0;
	if (pod) {
		(*ret)->pod = pod_ref(pod);
		(*ret)->terminating = !shown;
	}
	return 0;
}

void registry_list_free(struct registry_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pod_unref(entries[i].pod);
	free(entries);
}

void registry_view_copy(const struct registry_view *v, struct registry_view *ret)
{
	*ret = *v;
	pod_ref(v->pod);
	event_list_ref(v->events);
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
	event_list_unref(v->events);
	spool_unref(v->spools[SPOOL_LOGS]);
	*v = (struct registry_view){ 0 };
}

/* ---- logs: one spool, and who keeps it ---- */

static char state_dir[64];
static struct spool *spool;
static struct list keepers = LIST_INIT(keepers);
static unsigned keeps;
static bool log_ended, log_complete, spared;
static int64_t last_ns;

static inline void open_spool(void)
{
	struct log_position pos;
	char dir[100];

	snprintf(dir, sizeof(dir), "%s/spool", state_dir);
	if (!spool)
		assert_int_equal(spool_open(dir, UID, SPOOL_LOGS, 1 << 20, &spool, &pos, NULL), 0);
}

int logs_keep(struct logs *l, struct logs_keeper *k, const struct registry_view *v, bool complete,
	      struct error *e)
{
	(void)l;
	(void)e;
	assert_string_equal(v->pod->uid, UID);
	open_spool();
	if (complete)
		log_ended = log_complete = true;
	k->file = (struct log_file *)spool;
	list_push_back(&keepers, &k->node);
	keeps++;
	return 0;
}

void logs_unkeep(struct logs_keeper *k, bool spare)
{
	list_remove(&k->node);
	k->file = NULL;
	spared = spare;
	if (!list_empty(&keepers) || pod)
		return;
	if (!spare)
		spool_discard(spool);
	spool_unref(spool);
	spool = NULL;
}

struct spool *logs_kept_spool(const struct logs_keeper *k)
{
	assert_non_null(k->file);
	return spool;
}

const struct log_position *logs_kept_position(const struct logs_keeper *k)
{
	static struct log_position position;

	assert_non_null(k->file);
	position.last_ns = last_ns;
	return &position;
}

bool logs_kept_ended(const struct logs_keeper *k, bool *ret_complete)
{
	assert_non_null(k->file);
	*ret_complete = log_ended && log_complete;
	return log_ended;
}

static inline void tell_keepers(void)
{
	list_for_each(k, &keepers, struct logs_keeper, node)
		k->changed(k);
}

static inline void print(const char *text, int64_t ns)
{
	struct log_position pos = { .last_ns = ns, .same = 1 };

	last_ns = ns;
	assert_int_equal(spool_append(spool, text, strlen(text), &pos, NULL), 0);
	tell_keepers();
}

static inline void end_log(bool complete)
{
	log_ended = true;
	log_complete = complete;
	tell_keepers();
}

static bool complete_nothing(const void *stream, struct spool *s)
{
	(void)s;
	assert_null(stream);
	return false;
}

static void cut_line(struct spool *s, const struct log_position *at, int64_t begun_ns,
		     struct buf *out)
{
	(void)s;
	buf_printf(out, "[gap %lld 1]\n", (long long)(at->last_ns ? at->last_ns : begun_ns));
}

const struct log_source log_source_logs = { .kind = SPOOL_LOGS,
					    .file = "logs",
					    .dir = "spool",
					    .max_bytes = 1 << 20,
					    .complete = complete_nothing,
					    .cut_line = cut_line };
const struct log_source audit_source_sidecar = { .kind = SPOOL_AUDIT };

/* ---- the table, in short: the real one knows the whole mount ---- */

static const struct attr rows[] = {
	{ .name = "" },
	{ .name = "status", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = status_show },
	{ .name = "exit_code", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = exit_code_show },
	{ .name = "owner", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = owner_show },
	{ .name = "id", .flags = ATTR_LIVE, .show = id_show },
	{ .name = "logs", .flags = ATTR_LIVE | ATTR_ARCHIVE, .spool = SPOOL_LOGS },
	{ .name = "pod.json", .flags = ATTR_ARCHIVE },
	{ .name = "deleted_by", .flags = ATTR_ARCHIVE },
};
const struct attr *const table_rows = rows;
const unsigned table_n = ARRAY_SIZE(rows) - 1;

const struct attr *table_get(unsigned row, unsigned scope)
{
	return row >= ATTR_ROW_FIRST && rows[row].flags & scope ? &rows[row] : NULL;
}

unsigned table_find(const char *name, unsigned scope, const char *dir)
{
	unsigned row = 1;

	assert_int_equal(scope, ATTR_ARCHIVE);
	assert_null(dir);
	while (strcmp(rows[row].name, name) != 0)
		assert_true(++row <= table_n);
	return row;
}

/* ---- pokes and errors ---- */

static char pokes[4096];

static inline void note(const char *what, uint64_t directory, const char *name)
{
	size_t len = strlen(pokes);

	assert_int_equal(directory, INO_OBJECT_ARCHIVE);
	snprintf(pokes + len, sizeof(pokes) - len, "%s %s\n", what, name);
}

void poke_added(struct poke *p, uint64_t directory, const char *name, uint64_t object)
{
	(void)p;
	(void)object;
	note("added", directory, name);
}

void poke_removed(struct poke *p, uint64_t directory, const char *name, uint64_t object)
{
	(void)p;
	(void)object;
	note("removed", directory, name);
}

void poke_changed(struct poke *p, uint64_t object, unsigned row)
{
	(void)p;
	assert_int_equal(object, ino_object_of(UID, "archive"));
	note("changed", INO_OBJECT_ARCHIVE, table_rows[row].name);
}

void poke_grown(struct poke *p, uint64_t object, unsigned row)
{
	poke_changed(p, object, row);
}

void poke_publish_begin(struct poke *p, const char *uid, struct poke_publication *ret)
{
	(void)p;
	(void)ret;
	assert_null(uid);
}

void poke_publish_end(struct poke *p, struct poke_publication *publication)
{
	(void)p;
	(void)publication;
}

void poke_own_begin(struct poke *p, uint64_t directory, const char *name)
{
	(void)p;
	note("own", directory, name);
}

void poke_own_end(struct poke *p, uint64_t directory, const char *name, bool succeeded)
{
	(void)p;
	(void)directory;
	(void)name;
	assert_true(succeeded);
}

static unsigned n_errors;

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	(void)l;
	(void)op;
	(void)path;
	assert_int_equal(uid, 1000);
	assert_true(error->code > 0);
	n_errors++;
}

bool client_away(const struct client *c, struct error *e)
{
	(void)c;
	(void)e;
	return false;
}

int64_t client_server_time(const struct client *c)
{
	(void)c;
	return clock_realtime_ns() / CLOCK_NS_PER_S;
}

/* ---- the archive ---- */

static struct config config;
static struct weaverfs fs = { .config = &config, .state_dir = state_dir };

static inline void start(void)
{
	assert_int_equal(archive_new(&fs, &fs.archive, NULL), 0);
}

/* kill -9 would leave no more than this. */
static inline void stop(void)
{
	archive_free(fs.archive);
	fs.archive = NULL;
}

static inline void weaver_leaves(void)
{
	set_pod("Running", true, RUNNING);
	shown = false;
	archive_pod_changed(fs.archive, UID, true);
}

static inline void weaver_gone(void)
{
	struct registry_view last = last_view();

	archive_pod_gone(fs.archive, &last);
	registry_view_done(&last);
	pod_unref(pod);
	pod = NULL;
}

static inline const char *file(const char *name)
{
	static char text[8192];
	int fd = archive_open_file(fs.archive, ino_object_of(UID, "archive"), name);

	assert_true(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(archive_file_size(fs.archive, ino_object_of(UID, "archive"), name), n);
	return text;
}

static inline bool entry_exists(void)
{
	struct archive_view v;

	return archive_lookup(fs.archive, NAME, &v) == 0;
}

static inline bool terminating(void)
{
	struct archive_view v;

	assert_int_equal(archive_lookup(fs.archive, NAME, &v), 0);
	assert_int_equal(v.uid, 1000);
	assert_int_equal(v.gid, 1001);
	assert_int_equal(v.mode, 0710);
	return v.terminating;
}

static inline int set_up(void **state)
{
	(void)state;
	strcpy(state_dir, "/tmp/test_archive.XXXXXX");
	config = (struct config){ .archive_hours = 72,
				  .archive_max_bytes = 1 << 30,
				  .max_ttl_hours = 48,
				  .default_ttl_hours = 4,
				  .create_timeout_ms = 2000 };
	shown = true;
	log_ended = log_complete = spared = false;
	n_errors = keeps = 0;
	last_ns = 0;
	pokes[0] = '\0';
	if (!mkdtemp(state_dir))
		return -1;
	set_pod("Running", false, RUNNING);
	start();
	return 0;
}

static inline int tear_down(void **state)
{
	char command[100];

	(void)state;
	stop();
	assert_true(list_empty(&keepers) && list_empty(&fake_timers) && list_empty(&fake_jobs));
	assert_null(fake_request());
	pod_unref(pod);
	pod = NULL;
	spool_unref(spool);
	spool = NULL;
	assert_int_equal(n_errors, 0);
	snprintf(command, sizeof(command), "rm -r %s", state_dir);
	return system(command);
}
