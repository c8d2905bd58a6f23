/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal has a line for each POST, of which only the first character ever changes, in place:
 *
 *	+ NAME	sent, or about to be
 *	- NAME	settled: the pod is a weaver, or was refused, or has been deleted
 *	! NAME	buried
 *	# BOOT	the first line: the kernel's boot id
 *
 * In place, because a full disk must not keep a weaver that was acknowledged from being settled: it
 * would be deleted by the next start. A torn last line is a POST that was never sent. Only burying
 * is synced: after a power failure a line that says + may have been settled, so those of another
 * boot count as settled; a stray weaver that all can see is better than a deleted one.
 *
 * A line goes when it is a day old (the name has the time, it is a UUIDv7), at compaction. That is
 * safe: the API server gives a request up after --request-timeout (a minute), and one that it has
 * not read yet dies with its connection or with the server. What should come even later is a weaver
 * like any other, seen by all, and expires like one.
 */
#include "fs/life/tombstones.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/errors.h"
#include "fs/life/pod_delete.h"
#include "fs/metrics.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/clock.h"
#include "k8s/base/hash.h"
#include "k8s/base/list.h"
#include "k8s/base/uuid.h"
#include "k8s/loop.h"
#include "k8s/pod.h"
#include "k8s/request.h"

#define TOMBSTONE_MAX_AGE_S (24 * 60 * 60)
#define TOMBSTONE_COMPACT_BYTES 65536
#define TOMBSTONE_DEADLINE_NS (10 * CLOCK_NS_PER_S)
#define TOMBSTONE_RETRY_S 1 /* doubled by each failure */
#define TOMBSTONE_RETRY_MAX_S 30
#define TOMBSTONE_REWRITE_NS (5 * CLOCK_NS_PER_S) /* after a journal line could not be written */

enum state { INTENDED = '+', SETTLED = '-', BURIED = '!' };

struct tombstones {
	struct weaverfs *fs;
	struct hash by_name;
	struct list all;
	char *path; /* of the journal, owned; NULL: without a state directory, in memory alone */
	int fd;     /* owned; -1: none */
	off_t size, compact_at;
	char boot[64];
	struct loop_timer rewrite; /* lines that could not be written */
};

struct tombstone {
	struct hash_node by_name;
	struct list node;
	struct tombstones *owner;
	char name[128];
	enum state state;
	off_t at;       /* of its line; -1: not in the journal */
	bool unwritten; /* the line says something else */
	/* Of a buried one that has shown up: */
	char uid[64], weaver[80];
	uid_t user;
	struct request *request;
	struct loop_timer retry;
	unsigned failures;
	bool counted;
};

static struct tombstone *find(struct tombstones *t, const char *name)
{
	hash_for_each_match(s, &t->by_name, hash_str(name), struct tombstone, by_name)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static void tombstone_free(struct tombstone *s)
{
	if (s->request)
		request_cancel(s->request);
	loop_timer_cancel(&s->retry);
	hash_remove(&s->owner->by_name, &s->by_name);
	list_remove(&s->node);
	free(s);
}

static void retry_fire(struct loop_timer *timer);

static struct tombstone *tombstone_new(struct tombstones *t, const char *name, enum state state)
{
	_cleanup_(cleanup_free) struct tombstone *s = calloc(1, sizeof(*s));

	if (!s || strlen(name) >= sizeof(s->name))
		return NULL;
	s->owner = t;
	strcpy(s->name, name);
	s->state = state;
	s->at = -1;
	loop_timer_init(&s->retry, retry_fire);
	if (hash_insert(&t->by_name, &s->by_name, hash_str(name)) < 0)
		return NULL;
	list_push_back(&t->all, &s->node);
	return move_ptr(&s);
}

/* ---- the journal ---- */

/* When the name was made, in ms since the epoch (RFC 9562 §5.7); 0: the name is none of ours. */
static int64_t name_time_ms(const char *name)
{
	size_t n = strlen(name);
	const char *uuid = n > UUID_LEN ? name + n - UUID_LEN : name;
	unsigned high, low;

	if (!uuid_valid(uuid) || uuid[14] != '7' || sscanf(uuid, "%8x-%4x", &high, &low) != 2)
		return 0;
	return ((int64_t)high << 16) + low;
}

static bool too_old(const struct tombstone *s)
{
	int64_t made_ms = name_time_ms(s->name);

	return made_ms > 0 && !*s->uid && s->state != INTENDED &&
	       clock_realtime_ns() / CLOCK_NS_PER_MS - made_ms > TOMBSTONE_MAX_AGE_S * 1000LL;
}

static int journal_error(const struct tombstones *t, int code, struct error *e)
{
	return error_set(e, code, "%s: %s", t->path, strerror(code));
}

static int write_all(int fd, const char *bytes, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		bytes += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* The rename is there after a power failure only when the directory is. */
static void sync_directory(const char *path)
{
	_cleanup_(cleanup_free) char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!slash)
		return;
	*slash = '\0';
	_cleanup_(cleanup_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

static void journal_prune(struct tombstones *t)
{
	list_for_each(s, &t->all, struct tombstone, node)
		if (s->state == SETTLED || too_old(s))
			tombstone_free(s);
}

/* Writes it anew with what still matters; the old one stays when that fails. */
static int journal_compact(struct tombstones *t, struct error *e)
{
	_cleanup_(buf_done) struct buf content = BUF_INIT;
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	journal_prune(t);
	buf_printf(&content, "# %s\n", t->boot);
	off_t first = (off_t)content.len;
	list_for_each(s, &t->all, struct tombstone, node)
		buf_printf(&content, "%c %s\n", s->state, s->name);
	buf_printf(&path, "%s.new", t->path);
	if (buf_error(&content) < 0 || buf_error(&path) < 0)
		return error_oom(e);
	_cleanup_(cleanup_close) int fd =
		open(path.data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return journal_error(t, errno, e);
	int r = write_all(fd, buf_str(&content), content.len, 0);
	if (r < 0)
		return journal_error(t, -r, e);
	if (fsync(fd) < 0 || rename(path.data, t->path) < 0)
		return journal_error(t, errno, e);
	sync_directory(t->path);

	cleanup_close(&t->fd);
	t->fd = fd;
	fd = -1;
	t->size = first;
	list_for_each(s, &t->all, struct tombstone, node) {
		s->at = t->size;
		s->unwritten = false;
		t->size += (off_t)strlen(s->name) + 3;
	}
	t->compact_at = t->size + TOMBSTONE_COMPACT_BYTES;
	return 0;
}

/* "" when there is no /proc: then all lines are of this boot. */
static void read_boot_id(char *id, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f && fgets(id, (int)size, f))
		id[strcspn(id, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* A line of the journal as a start finds it. */
static int journal_take_line(struct tombstones *t, const char *line, bool *same_boot,
			     struct error *e)
{
	if (line[0] == '#' && line[1] == ' ')
		*same_boot = strcmp(line + 2, t->boot) == 0;
	if (!(line[0] == INTENDED && *same_boot) && line[0] != BURIED)
		return 0;
	if (line[1] != ' ' || find(t, line + 2))
		return 0;
	/* What was sent and not settled has failed: the mkdir died with the daemon. */
	return tombstone_new(t, line + 2, BURIED) ? 0 : error_oom(e);
}

static int journal_read(struct tombstones *t, struct error *e)
{
	FILE *f = fopen(t->path, "re");
	char line[256];
	bool same_boot = true;
	int r = 0;

	if (!f)
		return errno == ENOENT ? 0 : journal_error(t, errno, e);
	while (r == 0 && fgets(line, sizeof(line), f)) {
		char *newline = strchr(line, '\n');

		if (!newline)
			continue; /* torn, or nothing of ours */
		*newline = '\0';
		r = journal_take_line(t, line, &same_boot, e);
	}
	if (r == 0 && ferror(f))
		r = journal_error(t, EIO, e);
	fclose(f);
	return r;
}

static int journal_add(struct tombstones *t, struct tombstone *s, struct error *e)
{
	char line[sizeof(s->name) + 4];
	int len = snprintf(line, sizeof(line), "%c %s\n", s->state, s->name);

	if (t->fd < 0)
		return 0;
	int r = write_all(t->fd, line, (size_t)len, t->size);
	if (r < 0) {
		/* Half a line in front of the next one would hide it. */
		if (ftruncate(t->fd, t->size) < 0)
			return journal_error(t, errno, e);
		return journal_error(t, -r, e);
	}
	s->at = t->size;
	t->size += len;
	return 0;
}

/* Says s->state in its line; on failure later again. */
static void journal_mark(struct tombstones *t, struct tombstone *s)
{
	char state = (char)s->state;
	int r = s->at >= 0 ? write_all(t->fd, &state, 1, s->at) : 0;

	if (r == 0 && s->state == BURIED && s->at >= 0)
		r = fdatasync(t->fd) < 0 ? -errno : 0;
	if (r < 0 && !s->unwritten) {
		struct error e = ERROR_INIT;

		journal_error(t, -r, &e);
		errors_add(t->fs->errors, t->fs->uid, "journal", s->name, &e);
	}
	s->unwritten = r < 0;
	if (r < 0)
		loop_timer_set(t->fs->loop, &t->rewrite,
			       clock_monotonic_ns() + TOMBSTONE_REWRITE_NS);
}

static void rewrite_fire(struct loop_timer *timer)
{
	struct tombstones *t = container_of(timer, struct tombstones, rewrite);

	list_for_each(s, &t->all, struct tombstone, node) {
		if (s->unwritten)
			journal_mark(t, s);
		if (!s->unwritten && s->state == SETTLED)
			tombstone_free(s);
	}
}

/* ---- the deletion of what has shown up ---- */

static void send_delete(struct tombstone *s);

static void retry_fire(struct loop_timer *timer)
{
	send_delete(container_of(timer, struct tombstone, retry));
}

static void retry_later(struct tombstone *s)
{
	int64_t wait_s = TOMBSTONE_RETRY_S;

	for (unsigned i = 0; i < s->failures && wait_s < TOMBSTONE_RETRY_MAX_S; i++)
		wait_s *= 2;
	if (wait_s > TOMBSTONE_RETRY_MAX_S)
		wait_s = TOMBSTONE_RETRY_MAX_S;
	s->failures++;
	loop_timer_set(s->owner->fs->loop, &s->retry,
		       clock_monotonic_ns() + wait_s * CLOCK_NS_PER_S);
}

static void count(struct tombstone *s)
{
	struct weaverfs *fs = s->owner->fs;
	struct error e = ERROR_INIT;

	if (s->counted)
		return;
	s->counted = true;
	metrics_add(fs->metrics, METRIC_TOMBSTONES, 1);
	error_set(&e, ECANCELED, "pod %s of a mkdir that had failed appeared and was deleted",
		  s->name);
	errors_add(fs->errors, s->user, "mkdir", s->weaver, &e);
}

static void on_done(void *data, const struct reply *reply)
{
	struct tombstone *s = data;

	s->request = NULL;
	if (reply->r == -ENOENT) /* gone; its DELETED comes, or the next list goes without it */
		return;
	if (reply->r == 0)
		count(s);
	/* Accepted is not gone: a finalizer may hold it. Asked until its DELETED is seen. */
	retry_later(s);
}

static void send_delete(struct tombstone *s)
{
	struct pod_delete d = {
		.name = s->name,
		.uid = s->uid,
		.deadline_ns = clock_monotonic_ns() + TOMBSTONE_DEADLINE_NS,
		.on_done = on_done,
		.data = s,
	};

	s->request = pod_delete_start(s->owner->fs, &d);
	if (!s->request)
		retry_later(s);
}

bool tombstones_claims(struct tombstones *t, const struct pod *pod)
{
	struct tombstone *s = find(t, pod->name);

	if (!s || s->state != BURIED)
		return false;
	if (strcmp(s->uid, pod->uid) != 0) {
		snprintf(s->uid, sizeof(s->uid), "%s", pod->uid);
		snprintf(s->weaver, sizeof(s->weaver), "%s", weaver_name(pod));
		s->user = weaver_owner(pod, t->fs->uid, t->fs->gid).uid;
		s->failures = 0;
		loop_timer_cancel(&s->retry);
	}
	if (!s->request && list_empty(&s->retry.node))
		send_delete(s);
	return true;
}

void tombstones_deleted(struct tombstones *t, const char *pod_name)
{
	struct tombstone *s = find(t, pod_name);

	if (!s || s->state != BURIED)
		return;
	count(s);
	tombstones_settle(t, pod_name);
}

/* ---- what a mkdir says ---- */

int tombstones_intend(struct tombstones *t, const char *pod_name, struct error *e)
{
	if (t->fd >= 0 && t->size > t->compact_at)
		journal_compact(t, NULL); /* when it fails, the journal grows on */

	struct tombstone *s = tombstone_new(t, pod_name, INTENDED);
	if (!s)
		return error_oom(e);
	int r = journal_add(t, s, e);
	if (r < 0)
		tombstone_free(s);
	return r;
}

void tombstones_settle(struct tombstones *t, const char *pod_name)
{
	struct tombstone *s = find(t, pod_name);

	if (!s)
		return;
	if (s->request)
		request_cancel(s->request);
	s->request = NULL;
	loop_timer_cancel(&s->retry);
	s->state = SETTLED;
	journal_mark(t, s);
	if (!s->unwritten)
		tombstone_free(s);
}

void tombstones_bury(struct tombstones *t, const char *pod_name)
{
	struct tombstone *s = find(t, pod_name);

	if (!s)
		return;
	s->state = BURIED;
	journal_mark(t, s);
}

/* ---- life cycle ---- */

int tombstones_new(struct weaverfs *fs, struct tombstones **ret, struct error *e)
{
	struct tombstones *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return error_oom(e);
	t->fs = fs;
	t->fd = -1;
	list_init(&t->all);
	loop_timer_init(&t->rewrite, rewrite_fire);
	read_boot_id(t->boot, sizeof(t->boot));
	if (*fs->state_dir) {
		if (asprintf(&t->path, "%s/creates", fs->state_dir) < 0) {
			t->path = NULL;
			r = error_oom(e);
		}
		if (r == 0)
			r = journal_read(t, e);
		if (r == 0)
			r = journal_compact(t, e);
	}
	if (r < 0) {
		tombstones_free(t);
		return error_wrap(e, r, "journal of creations");
	}
	*ret = t;
	return 0;
}

void tombstones_free(struct tombstones *t)
{
	if (!t)
		return;
	loop_timer_cancel(&t->rewrite);
	list_for_each(s, &t->all, struct tombstone, node)
		tombstone_free(s);
	hash_done(&t->by_name);
	cleanup_close(&t->fd);
	free(t->path);
	free(t);
}
