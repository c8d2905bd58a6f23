/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that binds sockets, one at a time, and what it sees of the mount that nobody else
 * does. A process of its own and none of poke.c's: those may wait for a directory's lock, and
 * whoever looks a socket up may hold it. Cluster thread, but for what it does to the mount.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/into/socket_private.h"
#include "fs/poke/poke_mount.h"
#include "fs/poke/poke_process.h"
#include "fs/tree/alias.h"
#include "fs/tree/ino.h"
#include "k8s/base/clock.h"

static void on_is(void *data, pid_t pid, bool heeded)
{
	struct sockets *s = data;
	lock_guard(&s->lock);
	s->pid = heeded ? pid : 0;
}

static void on_ready(void *data)
{
	struct sockets *s = data;

	s->idle = true;
	socket_helper_bind_next(s);
}

/* What was out has ended, in r and fd. */
static void bind_ended(struct sockets *s, int error, int fd)
{
	struct error e = ERROR_INIT;
	struct socket_entry *k;
	{
		lock_guard(&s->lock);
		k = s->binding;
		s->binding = NULL;
		k->state = fd >= 0 ? SOCKET_BOUND : SOCKET_UNBOUND;
		k->used_ns = clock_monotonic_ns();
	}
	if (fd >= 0) {
		k->fd = fd;
		ws_post(s->fs->ws, &k->open_job);
		socket_answer(k, NULL);
		return;
	}
	error_set(&e, EIO, "no socket could be bound in the mount: %s", strerror(error));
	socket_answer(k, &e);
}

static void on_answered(void *data, int error, int fd)
{
	struct sockets *s = data;

	bind_ended(s, error, fd);
	s->idle = true;
	socket_helper_bind_next(s);
}

static void on_ended(void *data)
{
	struct sockets *s = data;
	bool out;

	s->idle = false;
	{
		lock_guard(&s->lock);
		out = s->binding != NULL;
	}
	if (out)
		bind_ended(s, ETIMEDOUT, -1);
}

/* Bound sockets and connections keep the file system, and with it the daemon. */
static void on_unmounted(void *data)
{
	struct sockets *s = data;

	error_set(&s->why, ENODEV, "%s is not mounted any more", s->fs->mountpoint);
	s->ops->unmounted(s->fs);
}

static bool on_late(void *data)
{
	(void)data;
	return false;
}

static const struct poke_process_ops process_ops = {
	.is = on_is,
	.ready = on_ready,
	.answered = on_answered,
	.ended = on_ended,
	.unmounted = on_unmounted,
	.excused = on_late,
};

static struct socket_entry *next_queued(struct sockets *s)
{
	list_for_each(k, &s->all, struct socket_entry, node)
		if (k->queued)
			return k;
	return NULL;
}

void socket_helper_bind_next(struct sockets *s)
{
	struct socket_entry *k = s->idle ? next_queued(s) : NULL;
	char path[48];

	if (!k)
		return;
	k->queued = false;
	s->idle = false;
	{
		lock_guard(&s->lock);
		k->state = SOCKET_BINDING;
		s->binding = k;
		snprintf(path, sizeof(path), ".weaverfs/.sockets/%u", ++s->sequence);
	}
	poke_process_send(s->helper, POKE_BIND, path);
}

/* ---- what it does to the mount; any thread ---- */

static bool is_helper(struct sockets *s, pid_t caller)
{
	lock_guard(&s->lock);
	return s->pid != 0 && s->pid == caller;
}

/* The number that the helper's command is about; 0: it has none of that name. */
static fuse_ino_t binding_of(struct sockets *s, const char *name)
{
	char expected[16];
	lock_guard(&s->lock);

	snprintf(expected, sizeof(expected), "%u", s->sequence);
	return s->binding && strcmp(name, expected) == 0 ? s->binding->use.ino : 0;
}

bool socket_helper_lookup(struct sockets *s, fuse_req_t req, pid_t caller, uint64_t object,
			  const char *name)
{
	if (!s || !is_helper(s, caller))
		return false;
	if (object == INO_OBJECT_CONTROL && strcmp(name, ".sockets") == 0) {
		socket_reply(s, req, ino_make(INO_OBJECT_SOCKETS, INO_ROW_DIR),
			     &(struct caller){ .uid = s->fs->uid });
		return true;
	}
	if (object == INO_OBJECT_SOCKETS)
		fuse_reply_err(req, ENOENT);
	return object == INO_OBJECT_SOCKETS;
}

bool socket_helper_mknod(struct sockets *s, fuse_req_t req, pid_t caller, uint64_t object,
			 const char *name)
{
	fuse_ino_t ino =
		s && is_helper(s, caller) && object == INO_OBJECT_SOCKETS ? binding_of(s, name) : 0;

	if (!ino)
		return false;
	alias_again(s->fs->aliases, ino);
	socket_reply(s, req, ino, &(struct caller){ .uid = s->fs->uid });
	return true;
}

/* ---- life ---- */

void socket_helper_start(struct sockets *s)
{
	struct poke_process_spec spec = {
		.loop = s->fs->loop,
		.mountpoint = s->fs->mountpoint,
		.purpose = "sockets",
		.ops = &process_ops,
		.data = s,
	};

	_cleanup_(cleanup_close) int root =
		poke_mount_clone(s->fs->mountpoint, &spec.device, &s->why);
	int r = root < 0 ? root : 0;
	if (r == 0)
		r = poke_process_new(&spec, &s->helper, &s->why);
	if (r < 0)
		error_wrap(&s->why, r, "there are no sockets in the mount");
}

void socket_helper_stop(struct sockets *s)
{
	struct error e = ERROR_INIT;

	error_set(&e, EIO, "weaverfs is ending");
	loop_timer_cancel(&s->tick);
	list_for_each(k, &s->all, struct socket_entry, node) {
		k->queued = false;
		socket_answer(k, &e);
	}
	poke_process_free(s->helper);
	s->helper = NULL;
	s->why = e;
}
