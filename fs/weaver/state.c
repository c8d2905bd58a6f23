/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots are directories 0, 1, … that are never removed, so taking one is mkdir and flock and needs
 * no lock around it. What another slot's mount has left behind in its journal at a kill -9 is done
 * by the next mount of the namespace, whichever slot that gets.
 */
#include "fs/weaver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/uuid.h"
#include "k8s/base/write.h"

#define SLOTS_MAX 64

struct state {
	char *dir;
	int fd; /* of the slot's directory; holds the lock */
};

static int failed(const char *path, const char *what, struct error *e)
{
	int code = errno;

	return error_set(e, code,
			 "state directory %s: %s: %s; it keeps the promise that a failed mkdir "
			 "leaves nothing (setting state_dir)",
			 path, what, strerror(code));
}

/* As mkdir -p; what is missing is made 0700. */
static int make_path(const char *path, struct error *e)
{
	_cleanup_(cleanup_free) char *copy = strdup(path);

	if (!copy)
		return error_oom(e);
	for (char *p = copy + 1;; p++) {
		char c = *p;
		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return failed(copy, "cannot be made", e);
		*p = c;
		if (!c)
			return 0;
	}
}

static int default_base(struct buf *out, struct error *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		buf_add_str(out, "/var/lib/weaverfs");
	else if (state && *state == '/')
		buf_printf(out, "%s/weaverfs", state);
	else if (home && *home == '/')
		buf_printf(out, "%s/.local/state/weaverfs", home);
	else
		return error_set(e, ENOENT,
				 "no state directory: neither $XDG_STATE_HOME nor $HOME "
				 "is set (setting state_dir)");
	return 0;
}

/* The directory's fd with its lock; -EWOULDBLOCK: another mount has it. */
static int lock_slot(const char *path, struct error *e)
{
	_cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return failed(path, "cannot be opened", e);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EWOULDBLOCK : failed(path, "cannot be locked", e);
	int held = fd;
	fd = -1;
	return held;
}

static int take_slot(struct state *s, const char *parent, int *ret_slot, struct error *e)
{
	for (int slot = 0; slot < SLOTS_MAX; slot++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT;
		buf_printf(&path, "%s/%d", parent, slot);
		if (buf_error(&path) < 0)
			return error_oom(e);
		if (mkdir(buf_str(&path), 0700) < 0 && errno != EEXIST)
			return failed(buf_str(&path), "cannot be made", e);
		int fd = lock_slot(buf_str(&path), e);
		if (fd == -EWOULDBLOCK)
			continue;
		if (fd < 0)
			return fd;
		s->fd = fd;
		s->dir = buf_steal(&path);
		*ret_slot = slot;
		return s->dir ? 0 : error_oom(e);
	}
	return error_set(e, EBUSY, "state directory %s: %d mounts of this namespace already",
			 parent, SLOTS_MAX);
}

/* The newlines around it close a line that a kill has cut, ours or theirs. */
static int append_journal(int from, int to)
{
	char chunk[4096];
	ssize_t n;
	int r = write_all(to, "\n", 1);

	while (r == 0 && (n = read(from, chunk, sizeof(chunk))) != 0)
		r = n < 0 ? -errno : write_all(to, chunk, (size_t)n);
	if (r == 0)
		r = write_all(to, "\n", 1);
	return r == 0 && fdatasync(to) < 0 ? -errno : r;
}

/* Twice the same tombstone is none too many: a kill between append and unlink does no harm. */
static int adopt(const struct state *s, const char *other, struct error *e)
{
	_cleanup_(cleanup_close) int lock = lock_slot(other, NULL);

	if (lock < 0)
		return 0; /* somebody's own, or no such slot */
	_cleanup_(cleanup_close) int from = openat(lock, STATE_JOURNAL, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return errno == ENOENT ? 0 : failed(other, "its journal cannot be read", e);
	_cleanup_(cleanup_close) int to =
		openat(s->fd, STATE_JOURNAL, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (to < 0)
		return failed(s->dir, "its journal cannot be written", e);
	int r = append_journal(from, to);
	if (r < 0) {
		errno = -r;
		return failed(s->dir, "the journal of another slot cannot be taken over", e);
	}
	if (unlinkat(lock, STATE_JOURNAL, 0) < 0)
		return failed(other, "its journal cannot be removed", e);
	return 0;
}

static int adopt_others(const struct state *s, const char *parent, int own, struct error *e)
{
	for (int slot = 0; slot < SLOTS_MAX; slot++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT;
		if (slot == own)
			continue;
		buf_printf(&path, "%s/%d", parent, slot);
		if (buf_error(&path) < 0)
			return error_oom(e);
		int r = adopt(s, buf_str(&path), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int state_open(const char *base, const char *namespace_uid, struct state **ret, struct error *e)
{
	_cleanup_(buf_done) struct buf parent = BUF_INIT;
	int slot = 0;

	/* it comes from the API server and becomes a file name */
	if (!uuid_valid(namespace_uid))
		return error_set(e, EPROTO, "the namespace's uid is no UUID: \"%.64s\"",
				 namespace_uid);
	buf_add_str(&parent, base);
	int r = base ? 0 : default_base(&parent, e);
	if (r < 0)
		return r;
	buf_printf(&parent, "/%s", namespace_uid);
	if (buf_error(&parent) < 0)
		return error_oom(e);
	_cleanup_(state_freep) struct state *s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(e);
	s->fd = -1;
	r = make_path(buf_str(&parent), e);
	if (r == 0)
		r = take_slot(s, buf_str(&parent), &slot, e);
	if (r == 0)
		r = adopt_others(s, buf_str(&parent), slot, e);
	if (r < 0)
		return r;
	*ret = move_ptr(&s);
	return 0;
}

const char *state_dir(const struct state *s)
{
	return s->dir;
}

void state_free(struct state *s)
{
	cleanup_close(&s->fd);
	free(s->dir);
	free(s);
}
