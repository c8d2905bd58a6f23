/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a weaver are compared as they are read: each row of the table is rendered from the
 * state before and the state after, with one clock, so that the seconds that go by in `ttl` are no
 * change and a new expiry is one.
 */
#include "fs/poke/poke_change.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>

#include "fs/archive/archive.h"
#include "fs/attr/attr.h"
#include "fs/poke/poke_queue.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/request.h"

void poke_change_path(const struct poke_what *what, char *to, size_t size)
{
	const char *directory = what->directory == INO_OBJECT_DRAFTS    ? ".drafts/"
				: what->directory == INO_OBJECT_ARCHIVE ? ".archive/"
									: "";
	bool file = what->op == POKE_MODIFY;

	snprintf(to, size, "%s%s%s%s", directory, what->name, file ? "/" : "",
		 file ? table_rows[what->row].name : "");
}

bool poke_change_archived(const struct weaverfs *fs, uint64_t object, unsigned row,
			  struct poke_what *ret)
{
	struct archive_view entry;

	if (!fs->archive || archive_find(fs->archive, object, &entry) < 0)
		return false;
	*ret = (struct poke_what){ .op = POKE_MODIFY,
				   .weaver = object,
				   .object = object,
				   .directory = INO_OBJECT_ARCHIVE,
				   .row = row };
	snprintf(ret->name, sizeof(ret->name), "%s", entry.name);
	return true;
}

/* off < 0: attributes alone, which never waits. -ENOENT: the kernel has no such inode. */
static bool invalidate(const struct weaverfs *fs, uint64_t object, unsigned row)
{
	fuse_ino_t ino = ino_make(object, row);

	return fuse_lowlevel_notify_inval_inode(fs->session, ino, -1, 0) != -ENOENT;
}

bool poke_change_visible(const struct weaverfs *fs, uint64_t object, unsigned row)
{
	bool file = invalidate(fs, object, row);
	bool directory = invalidate(fs, object, INO_ROW_DIR);

	return file || directory;
}

static void render(const struct weaverfs *fs, const struct attr *a, const struct registry_view *w,
		   int64_t now_s, struct buf *out)
{
	struct weaver_view view = { .fs = fs, .now_s = now_s, .w = w, .pod = w->pod };

	a->show(&view, out, NULL);
}

static bool differs(const struct weaverfs *fs, const struct attr *a,
		    const struct registry_view *before, const struct registry_view *after,
		    int64_t now_s)
{
	_cleanup_(buf_done) struct buf old = BUF_INIT;
	_cleanup_(buf_done) struct buf new = BUF_INIT;

	render(fs, a, before, now_s, &old);
	render(fs, a, after, now_s, &new);
	return old.len != new.len || memcmp(buf_str(&old), buf_str(&new), old.len) != 0;
}

/* The mode of a weaver's directory is its own, its owner that of all its files. */
static void compare_owner(const struct weaverfs *fs, const struct registry_view *before,
			  const struct registry_view *after)
{
	struct weaver_owner a = weaver_owner(before->pod, fs->uid, fs->gid);
	struct weaver_owner b = weaver_owner(after->pod, fs->uid, fs->gid);

	if (a.uid == b.uid && a.gid == b.gid && a.mode == b.mode)
		return;
	for (unsigned row = INO_ROW_DIR; row <= table_n; row++)
		if (row == INO_ROW_DIR || table_get(row, ATTR_LIVE))
			invalidate(fs, after->object, row);
}

void poke_change_compare(const struct weaverfs *fs, const struct registry_view *before,
			 const struct registry_view *after,
			 void (*changed)(void *data, uint64_t object, unsigned row), void *data)
{
	int64_t now_s = client_server_time(fs->client);

	compare_owner(fs, before, after);
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = table_get(row, ATTR_LIVE);

		if (!a || !a->show || a->dir || a->flags & (ATTR_CONSTANT | ATTR_DIRECTORY))
			continue;
		if (differs(fs, a, before, after, now_s))
			changed(data, after->object, row);
	}
}
