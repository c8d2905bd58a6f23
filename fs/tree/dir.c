/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: names looked up, listed, made, removed and renamed. The helpers that raise inotify
 * events (poke.h) come through here too; their requests are answered from memory, first thing.
 */
#include "fs/tree/dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/archive/archive.h"
#include "fs/errors.h"
#include "fs/into/socket.h"
#include "fs/life/create.h"
#include "fs/life/delete.h"
#include "fs/life/drafts.h"
#include "fs/life/rename.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/tree/alias.h"
#include "fs/tree/handles.h"
#include "fs/tree/ino.h"
#include "fs/tree/node.h"

struct weaverfs *dir_begin(fuse_req_t req, struct caller *caller)
{
	struct weaverfs *fs = fuse_req_userdata(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	*caller = (struct caller){ ctx->uid, ctx->gid, ctx->pid, ctx->umask };
	metrics_add(fs->metrics, METRIC_OPERATIONS, 1);
	return fs;
}

/* The directory in which entries are made and removed that `ino` is, or -1. */
static int64_t entries_of(fuse_ino_t ino)
{
	uint64_t object = ino_object(ino);
	bool holds = object == INO_OBJECT_ROOT || object == INO_OBJECT_DRAFTS ||
		     object == INO_OBJECT_ARCHIVE;

	return holds && ino_row(ino) == INO_ROW_DIR ? (int64_t)object : -1;
}

void dir_gone_attr(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_nlink = 1 };
	st->st_mode = ino_row(ino) == INO_ROW_DIR ? S_IFDIR | 0700 : S_IFREG | 0600;
}

/* A helper's request about an entry: nothing but its number counts, and nothing is believed. */
static void reply_helper_entry(fuse_req_t req, uint64_t object, unsigned row)
{
	struct fuse_entry_param entry = { .ino = ino_make(object, row) };

	dir_gone_attr(entry.ino, &entry.attr);
	fuse_reply_entry(req, &entry);
}

/* Whether the MKDIR or RMDIR was a helper's and is answered. */
static bool answer_helper(fuse_req_t req, enum poke_view view, uint64_t object, bool removes)
{
	if (view == POKE_NOT_OURS)
		return false;
	if (view != POKE_DONE)
		fuse_reply_err(req, EPERM);
	else if (removes)
		fuse_reply_err(req, 0);
	else
		reply_helper_entry(req, object, INO_ROW_DIR);
	return true;
}

/* A file that has changed right before its weaver went. */
static bool helper_lookup_gone(struct weaverfs *fs, fuse_req_t req, fuse_ino_t parent,
			       const char *name, pid_t pid)
{
	static const unsigned scopes[] = { ATTR_LIVE, ATTR_ARCHIVE };

	for (size_t i = 0; i < ARRAY_SIZE(scopes) && ino_row(parent) == INO_ROW_DIR; i++) {
		unsigned row = table_find(name, scopes[i], NULL);

		if (!row || !poke_passes(fs->poke, pid, ino_object(parent), row))
			continue;
		reply_helper_entry(req, ino_object(parent), row);
		return true;
	}
	return false;
}

static int lookup(struct weaverfs *fs, fuse_ino_t parent, const char *name,
		  const struct caller *caller, struct node *ret)
{
	struct node dir;
	int r = node_find(fs, parent, caller, &dir);

	if (r < 0)
		return r;
	r = dir.w.gone ? -ENOENT : node_lookup(fs, &dir, name, caller, ret);
	node_done(&dir);
	return r;
}

/* Done with n. A socket is bound before its name is there. */
static void reply_found(struct weaverfs *fs, fuse_req_t req, struct node *n)
{
	bool is_socket = n->attr && table_type(n->attr) == S_IFSOCK;
	int r = n->attr ? node_take_alias(n) : 0;
	struct fuse_entry_param entry;

	if (r < 0) {
		fuse_reply_err(req, -r);
	} else if (is_socket) {
		socket_lookup(fs->sockets, req, n);
	} else {
		node_entry(n, &entry);
		if (fuse_reply_entry(req, &entry) < 0)
			alias_forget(fs->aliases, entry.ino, 1);
	}
	node_done(n);
}

void dir_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	int64_t directory = entries_of(parent);
	enum poke_view view = POKE_NOT_OURS;
	uint64_t object = 0;
	struct node n;

	if (ino_row(parent) == INO_ROW_DIR &&
	    socket_helper_lookup(fs->sockets, req, caller.pid, ino_object(parent), name))
		return;
	if (directory >= 0)
		view = poke_lookup(fs->poke, caller.pid, (uint64_t)directory, name, &object);
	if (view == POKE_ABSENT) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	int r = lookup(fs, parent, name, &caller, &n);
	if (view == POKE_PRESENT && (r < 0 || n.object != object)) {
		reply_helper_entry(req, object, INO_ROW_DIR);
		if (r == 0)
			node_done(&n);
	} else if (r == 0) {
		reply_found(fs, req, &n);
	} else if (!helper_lookup_gone(fs, req, parent, name, caller.pid)) {
		fuse_reply_err(req, -r);
	}
}

void dir_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t dev)
{
	(void)mode;
	(void)dev;
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);

	if (!socket_helper_mknod(fs->sockets, req, caller.pid, ino_object(parent), name))
		fuse_reply_err(req, EPERM); /* attributes, as in cgroupfs */
}

/* ---- directories ---- */

struct listing {
	struct handles_node node;
	struct node_name *names;
	size_t n;
};

static void listing_free(struct handles_node *node)
{
	struct listing *l = container_of(node, struct listing, node);
	free(l->names);
	free(l);
}

void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	struct node dir;
	struct listing *l = calloc(1, sizeof(*l));
	int r = l ? node_find(fs, ino, &caller, &dir) : -ENOMEM;
	if (r == 0) {
		if (!dir.w.gone)
			r = node_list_take(&dir, &l->names, &l->n);
		node_done(&dir);
	}
	if (r < 0) {
		free(l);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)l;
	handles_add(fs->handles, &l->node, listing_free);
	if (fuse_reply_open(req, fi) < 0) {
		handles_remove(fs->handles, &l->node);
		listing_free(&l->node);
	}
}

void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	struct weaverfs *fs = fuse_req_userdata(req);
	struct listing *l = (struct listing *)(uintptr_t)fi->fh;
	handles_remove(fs->handles, &l->node);
	listing_free(&l->node);
	fuse_reply_err(req, 0);
}

/* "." and "..": the kernel keeps no entry of them, the numbers are for d_ino. */
static void dot_entry(fuse_ino_t ino, struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){ .attr = { .st_ino = ino, .st_mode = S_IFDIR } };
}

/* Adds entry number `index` at `to`; the bytes it takes, more than size when there is no room. */
static size_t add_entry(fuse_req_t req, const struct listing *l, fuse_ino_t dir, size_t index,
			bool plus, const struct caller *caller, char *to, size_t size)
{
	struct weaverfs *fs = fuse_req_userdata(req);
	off_t next = (off_t)index + 1;
	struct fuse_entry_param entry;
	const char *name = index == 0 ? "." : "..";
	dot_entry(index == 0 ? dir : INO_ROOT, &entry);
	if (index >= 2) {
		const struct node_name *child = &l->names[index - 2];
		name = child->name;
		entry.attr.st_ino = child->ino;
		entry.attr.st_mode = child->type;
		struct node n;
		if (plus && node_find(fs, child->ino, caller, &n) == 0) {
			/* One that has gone since stays a name without attributes, and so does what
			 * has a number for each look-up. */
			if (!n.w.gone && !(n.attr && n.attr->enter))
				node_entry(&n, &entry);
			node_done(&n);
		}
	}
	return plus ? fuse_add_direntry_plus(req, to, size, name, &entry, next)
		    : fuse_add_direntry(req, to, size, name, &entry.attr, next);
}

static void reply_listing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
			  const struct fuse_file_info *fi, bool plus)
{
	struct caller caller;
	dir_begin(req, &caller);
	const struct listing *l = (const struct listing *)(uintptr_t)fi->fh;
	char *to = malloc(size);
	if (!to) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t used = 0;
	for (size_t i = (size_t)offset; i < l->n + 2; i++) {
		size_t n = add_entry(req, l, ino, i, plus, &caller, to + used, size - used);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, to, used);
	free(to);
}

void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, fi, false);
}

void dir_readplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		  struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, offset, fi, true);
}

static void mkdir_draft(struct weaverfs *fs, fuse_req_t req, const char *name, mode_t mode,
			const struct caller *caller)
{
	struct drafts_view draft;
	struct error e = ERROR_INIT;
	struct node n;
	int r = drafts_make(fs->drafts, name, caller->uid, caller->gid, mode & ~caller->umask,
			    &draft, &e);

	if (r == 0) {
		r = node_find(fs, ino_make(draft.object, INO_ROW_DIR), caller, &n);
		drafts_view_done(&draft);
	} else {
		errors_add(fs->errors, caller->uid, "mkdir", name, &e);
	}
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	struct fuse_entry_param entry;
	node_entry(&n, &entry);
	node_done(&n);
	fuse_reply_entry(req, &entry);
}

void dir_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	int64_t directory = entries_of(parent);
	uint64_t object = 0;

	enum poke_view view = POKE_NOT_OURS;
	if (directory >= 0)
		view = poke_mkdir(fs->poke, caller.pid, (uint64_t)directory, name, &object);
	if (answer_helper(req, view, object, false))
		return;
	if (directory == INO_OBJECT_ROOT)
		create_mkdir(fs->create, req, name, mode);
	else if (directory == INO_OBJECT_DRAFTS)
		mkdir_draft(fs, req, name, mode, &caller);
	else
		fuse_reply_err(req, EPERM);
}

/* Cluster thread: a purge has ended. */
static void on_purged(void *data, int r, const struct error *e)
{
	(void)e;
	fuse_reply_err(data, -r);
}

void dir_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	int64_t directory = entries_of(parent);

	if (directory >= 0 &&
	    answer_helper(req, poke_rmdir(fs->poke, caller.pid, (uint64_t)directory, name), 0,
			  true))
		return;
	if (directory < 0 || name[0] == '.')
		fuse_reply_err(req, EPERM);
	else if (directory == INO_OBJECT_ROOT)
		delete_rmdir(fs, req, name);
	else if (directory == INO_OBJECT_DRAFTS)
		fuse_reply_err(req, -drafts_remove(fs->drafts, name));
	else
		archive_purge(fs->archive, name, &caller, on_purged, req);
}

static void rename_draft(struct weaverfs *fs, fuse_req_t req, const char *name, const char *newname,
			 bool into_root)
{
	struct drafts_view draft;
	struct error e = ERROR_INIT;
	int r = drafts_lookup(fs->drafts, name, &draft);

	if (r == 0 && into_root) {
		create_from_draft(fs->create, req, &draft, newname);
		drafts_view_done(&draft);
		return;
	}
	if (r == 0) {
		drafts_view_done(&draft);
		r = drafts_rename(fs->drafts, name, newname, &e);
	}
	if (r < 0 && e.code)
		errors_add(fs->errors, fuse_req_ctx(req)->uid, "rename", name, &e);
	fuse_reply_err(req, -r);
}

/* EXDEV is never answered: mv would copy, and mkdir a stray weaver. */
void dir_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		const char *newname, unsigned flags)
{
	struct caller caller;
	struct weaverfs *fs = dir_begin(req, &caller);
	int64_t from = entries_of(parent), to = entries_of(newparent);

	if (flags & ~(unsigned)RENAME_NOREPLACE)
		fuse_reply_err(req, EINVAL);
	else if (from < 0 || to < 0 || name[0] == '.')
		fuse_reply_err(req, EPERM);
	else if (from == INO_OBJECT_ROOT && to == INO_OBJECT_ROOT)
		rename_weaver(fs, req, name, newname);
	else if (from == INO_OBJECT_DRAFTS && to != INO_OBJECT_ARCHIVE)
		rename_draft(fs, req, name, newname, to == INO_OBJECT_ROOT);
	else
		fuse_reply_err(req, EPERM);
}
