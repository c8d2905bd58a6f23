/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real inotify events for changes that nobody made through this mount. Two helper processes do, on
 * the mount, what would have raised the event: mkdir and rmdir in a directory of weavers, and
 * utimensat(atime OMIT, mtime NOW) on a file. They are processes, not threads: one stuck in a
 * system call on its own mount must not keep /dev/fuse open.
 *
 * Split view (measured: nothing lost, nothing invented): a remote add is visible to everyone at
 * once but the helper's LOOKUP gets ENOENT until its mkdir; a remote remove is ENOENT for everyone
 * but the helpers' LOOKUPs find it, and the files in it that have changed before, until the rmdir.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/registry.h"
#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct poke; /* NULL is one that does nothing, everywhere below */
struct weaverfs;

/* `weaverfs --poke`: the helper's own main, socket.h has one too; never returns to the daemon's. */
int poke_helper_main(int argc, char **argv);

int poke_new(struct weaverfs *fs, struct poke **ret, struct error *e);
void poke_start(
	struct poke *p); /* after the mount; without privileges it does nothing and says so */
void poke_free(struct poke *p);                     /* cluster thread; ends the helpers */
bool poke_running(struct poke *p, struct error *e); /* any thread; e says what is lacking */

/* ---- from sync, drafts, archive; cluster thread ---- */
/* directory: INO_OBJECT_ROOT, INO_OBJECT_DRAFTS or INO_OBJECT_ARCHIVE. */
void poke_added(struct poke *p, uint64_t directory, const char *name, uint64_t object);
void poke_removed(struct poke *p, uint64_t directory, const char *name, uint64_t object);
/* A weaver has left the root; last: as it was there, its last changes seen before that. */
void poke_gone(struct poke *p, const struct registry_view *last);
/* The content of a file of a weaver or an archive entry has changed: coalesced, and only if the
 * kernel knows it. */
void poke_changed(struct poke *p, uint64_t object, unsigned row);
/* Ditto, of a file that grows: at most ten times a second. */
void poke_grown(struct poke *p, uint64_t object, unsigned row);

/*
 * Around each change of the registry: what it made of the pod with this uid is compared, and poked.
 * uid NULL: names appear that are told by poke_added() before the end. What becomes visible has no
 * cached name until its event is raised.
 */
struct poke_publication {
	char uid[64];
	bool open, known;
	struct registry_view before;
};
void poke_publish_begin(struct poke *p, const char *uid, struct poke_publication *w);
void poke_publish_end(struct poke *p, struct poke_publication *w);

/*
 * A user's write to a file raises its own event: between begin and end a change of that file is not
 * poked when the write succeeds, and is when it fails.
 */
struct poke_write {
	struct list node;
	uint64_t object;
	unsigned row;
	bool changed;
};
void poke_write_begin(struct poke *p, struct poke_write *w, uint64_t object, unsigned row);
void poke_write_end(struct poke *p, struct poke_write *w, bool succeeded);

/*
 * A mkdir, rmdir or mv of a user in `directory` raises its own event: between begin and end, an add
 * or removal of that name is not poked when the operation succeeds, and is when it fails. end comes
 * before the reply, and before the timeouts in it are asked for.
 */
void poke_own_begin(struct poke *p, uint64_t directory, const char *name);
void poke_own_end(struct poke *p, uint64_t directory, const char *name, bool succeeded);

/* ---- from ops, any thread ---- */
enum poke_view {
	POKE_NOT_OURS, /* a user's request: answer it as usual */
	POKE_ABSENT,   /* LOOKUP: ENOENT */
	POKE_PRESENT,  /* LOOKUP: found; `object` says which */
	POKE_DONE,     /* MKDIR: answer with `object`; RMDIR: 0 */
	POKE_REFUSED,  /* not the outstanding command, or from a helper that is given up: EPERM */
};
/* caller: thread id of the request. */
enum poke_view poke_lookup(struct poke *p, pid_t caller, uint64_t directory, const char *name,
			   uint64_t *ret_object);
enum poke_view poke_mkdir(struct poke *p, pid_t caller, uint64_t directory, const char *name,
			  uint64_t *ret_object);
enum poke_view poke_rmdir(struct poke *p, pid_t caller, uint64_t directory, const char *name);
/*
 * Whether it is a helper on its way to a file, or to what the file is in (INO_ROW_DIR): LOOKUP and
 * GETATTR of what users do not reach any more are to be answered.
 */
bool poke_passes(struct poke *p, pid_t caller, uint64_t object, unsigned row);
/* SETATTR of times. POKE_DONE: answer with the attributes as they are. */
enum poke_view poke_setattr(struct poke *p, pid_t caller, uint64_t object, unsigned row);
/* Whether a name is between its appearance and its event: entry timeout 0. */
bool poke_pending(struct poke *p, uint64_t directory, const char *name);
