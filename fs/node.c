/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config.h"
#include "fs/ino.h"
#include "fs/spool.h"
#include "fs/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/request.h"

/*
 * Without the helper processes that raise inotify events (a later issue) the kernel's caches are
 * kept short. Sizes of files that change while the weaver lives are asked for each time.
 */
#define TIMEOUT_DIRECTORY_S 1.0
#define TIMEOUT_FILE_NAME_S 10.0
#define TIMEOUT_CONSTANT_S 1.0
#define BLOCK_SIZE 4096

/* The fixed directories. */
static const struct fixed {
	uint64_t object, parent;
	const char *name;
	unsigned scope;
} fixed_dirs[] = {
	{ INO_OBJECT_CONTROL, INO_OBJECT_ROOT, ".weaverfs", ATTR_CONTROL },
	{ INO_OBJECT_DEFAULTS, INO_OBJECT_CONTROL, "defaults", ATTR_DRAFT },
};

static const struct fixed *fixed_find(uint64_t object)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed_dirs); i++)
		if (fixed_dirs[i].object == object)
			return &fixed_dirs[i];
	return NULL;
}

static void node_init(const struct weaverfs *fs, uint64_t object, unsigned row,
		      const struct caller *caller, struct node *n)
{
	*n = (struct node){
		.ino = ino_make(object, row),
		.object = object,
		.row = row,
		.view = { .fs = fs, .caller = *caller },
	};
}

/* Fills in what the scope says, once n->w or the object is known. */
static int node_settle(struct node *n)
{
	const struct weaverfs *fs = n->view.fs;
	if (n->object >= INO_OBJECT_FIRST) {
		n->scope = ATTR_LIVE;
		n->view.w = &n->w;
		n->view.pod = n->w.pod;
	} else if (n->object != INO_OBJECT_ROOT) {
		const struct fixed *f = fixed_find(n->object);
		if (!f)
			return -ENOENT;
		n->scope = f->scope;
		n->view.spec = f->scope == ATTR_DRAFT ? fs->defaults : NULL;
	}
	n->view.now_s = client_server_time(fs->client);
	if (n->row == INO_ROW_DIR)
		return 0;
	n->attr = table_get(n->row, n->scope);
	return n->attr ? 0 : -ENOENT;
}

static int node_settle_or_done(struct node *n)
{
	int r = node_settle(n);
	if (r < 0)
		node_done(n);
	return r;
}

int node_find(const struct weaverfs *fs, fuse_ino_t ino, const struct caller *caller,
	      struct node *ret)
{
	node_init(fs, ino_object(ino), ino_row(ino), caller, ret);
	if (ret->object >= INO_OBJECT_FIRST) {
		int r = registry_find(fs->registry, ret->object, &ret->w);
		if (r < 0)
			return r;
	}
	return node_settle_or_done(ret);
}

static int lookup_root(const struct weaverfs *fs, const char *name, const struct caller *caller,
		       struct node *ret)
{
	struct registry_view w;
	int r = registry_lookup(fs->registry, name, &w);
	if (r < 0)
		return r;
	node_init(fs, w.object, INO_ROW_DIR, caller, ret);
	ret->w = w;
	return node_settle_or_done(ret);
}

int node_lookup(const struct weaverfs *fs, const struct node *parent, const char *name,
		const struct caller *caller, struct node *ret)
{
	if (parent->attr)
		return -ENOTDIR;
	for (size_t i = 0; i < ARRAY_SIZE(fixed_dirs); i++)
		if (fixed_dirs[i].parent == parent->object && strcmp(fixed_dirs[i].name, name) == 0)
			return node_find(fs, ino_make(fixed_dirs[i].object, INO_ROW_DIR), caller,
					 ret);
	if (parent->object == INO_OBJECT_ROOT)
		return lookup_root(fs, name, caller, ret);
	unsigned row = table_find(name, parent->scope);
	return row ? node_find(fs, ino_make(parent->object, row), caller, ret) : -ENOENT;
}

void node_done(struct node *n)
{
	registry_view_done(&n->w);
}

static off_t content_size(const struct node *n)
{
	if (n->attr->spool != ATTR_SPOOL_NONE)
		return n->w.logs ? spool_size(n->w.logs) : 0;
	if (!n->attr->show)
		return 0;
	_cleanup_(buf_done) struct buf content = BUF_INIT;
	return n->attr->show(&n->view, &content, NULL) < 0 ? 0 : (off_t)content.len;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / CLOCK_NS_PER_S, .tv_nsec = ns % CLOCK_NS_PER_S };
}

static void stat_fixed(const struct node *n, struct stat *st)
{
	const struct weaverfs *fs = n->view.fs;
	st->st_uid = fs->uid;
	st->st_gid = fs->gid;
	st->st_mode = S_IFDIR | 0755;
	if (n->object == INO_OBJECT_ROOT) {
		st->st_mode = S_IFDIR | fs->config->create_mode;
		if (fs->config->create_gid)
			st->st_gid = fs->config->create_gid_id;
	}
	st->st_mtim = timespec_of(fs->started_ns);
}

static void stat_weaver(const struct node *n, struct stat *st)
{
	struct weaver_owner owner = weaver_owner(n->w.pod, n->view.fs->uid, n->view.fs->gid);
	st->st_uid = owner.uid;
	st->st_gid = owner.gid;
	st->st_mode = S_IFDIR | owner.mode;
	st->st_mtim = timespec_of(n->w.changed_ns);
}

static void stat_file(const struct node *n, struct stat *st)
{
	st->st_mode = S_IFREG | table_mode(n->attr, n->scope);
	st->st_nlink = n->w.gone ? 0 : 1;
	st->st_size = content_size(n);
	st->st_blocks = (st->st_size + 511) / 512;
	if (n->attr->spool != ATTR_SPOOL_NONE && n->w.logs)
		st->st_mtim = timespec_of(spool_changed_ns(n->w.logs));
	else if (n->scope == ATTR_CONTROL && !(n->attr->flags & ATTR_CONSTANT))
		st->st_mtim = timespec_of(clock_realtime_ns()); /* made when read */
}

void node_stat(const struct node *n, struct stat *st)
{
	*st = (struct stat){ .st_ino = n->ino,
			     .st_nlink = n->w.gone ? 0 : 2,
			     .st_blksize = BLOCK_SIZE };
	if (n->scope == ATTR_LIVE)
		stat_weaver(n, st);
	else
		stat_fixed(n, st);
	if (n->attr)
		stat_file(n, st);
	st->st_atim = st->st_ctim = st->st_mtim;
}

void node_timeouts(const struct node *n, double *ret_entry, double *ret_attr)
{
	if (!n->attr) {
		bool fixed = n->scope != ATTR_LIVE;
		*ret_entry = fixed ? TIMEOUT_FILE_NAME_S : TIMEOUT_DIRECTORY_S;
		*ret_attr = TIMEOUT_DIRECTORY_S;
		return;
	}
	*ret_entry = TIMEOUT_FILE_NAME_S;
	*ret_attr = n->attr->flags & ATTR_CONSTANT && !n->w.gone ? TIMEOUT_CONSTANT_S : 0;
}

void node_entry(const struct node *n, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){ .ino = n->ino };
	node_stat(n, &ret->attr);
	node_timeouts(n, &ret->entry_timeout, &ret->attr_timeout);
}

void node_path(const struct node *n, char *to, size_t size)
{
	const char *dir = n->w.name;
	if (n->scope != ATTR_LIVE) {
		const struct fixed *f = fixed_find(n->object);
		dir = !f ? "." : f->object == INO_OBJECT_DEFAULTS ? ".weaverfs/defaults" : f->name;
	}
	snprintf(to, size, n->attr ? "%s/%s" : "%s%s", dir, n->attr ? n->attr->name : "");
}

/* ---- names ---- */

static void name_add(struct node_name *names, size_t *n, fuse_ino_t ino, mode_t type,
		     const char *name)
{
	names[*n].ino = ino;
	names[*n].type = type;
	snprintf(names[*n].name, sizeof(names[*n].name), "%s", name);
	(*n)++;
}

static int list_weavers(const struct node *dir, struct registry_entry **ret, size_t *ret_n)
{
	*ret = NULL;
	*ret_n = 0;
	if (dir->object != INO_OBJECT_ROOT)
		return 0;
	return registry_list(dir->view.fs->registry, false, ret, ret_n);
}

int node_list(const struct node *dir, struct node_name **ret, size_t *ret_n)
{
	if (dir->attr)
		return -ENOTDIR;
	struct registry_entry *weavers;
	size_t n_weavers;
	int r = list_weavers(dir, &weavers, &n_weavers);
	if (r < 0)
		return r;
	struct node_name *names =
		calloc(n_weavers + ARRAY_SIZE(fixed_dirs) + table_n + 1, sizeof(*names));
	if (!names) {
		registry_list_free(weavers, n_weavers);
		return -ENOMEM;
	}
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(fixed_dirs); i++)
		if (fixed_dirs[i].parent == dir->object)
			name_add(names, &n, ino_make(fixed_dirs[i].object, INO_ROW_DIR), S_IFDIR,
				 fixed_dirs[i].name);
	for (size_t i = 0; i < n_weavers; i++)
		name_add(names, &n, ino_make(weavers[i].object, INO_ROW_DIR), S_IFDIR,
			 weavers[i].name);
	registry_list_free(weavers, n_weavers);
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = table_get(row, dir->scope);
		if (a)
			name_add(names, &n, ino_make(dir->object, row), S_IFREG, a->name);
	}
	*ret = names;
	*ret_n = n;
	return 0;
}
