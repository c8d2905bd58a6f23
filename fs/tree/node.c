/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/node_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/spool.h"
#include "fs/poke/poke.h"
#include "fs/tree/alias.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/request.h"

/*
 * How long the kernel may believe what it was told. The helpers' rmdir (poke.h) takes stale names
 * away and inval_inode stale attributes; without helpers a short time has to do. Sizes of files
 * that change while the weaver lives are asked for each time.
 */
#define TIMEOUT_HELPED_S 10.0
#define TIMEOUT_ALONE_S 1.0
#define TIMEOUT_FILE_NAME_S 10.0
#define BLOCK_SIZE 4096

const struct node_fixed node_fixed_dirs[] = {
	{ INO_OBJECT_CONTROL, INO_OBJECT_ROOT, ".weaverfs", ATTR_CONTROL },
	{ INO_OBJECT_DRAFTS, INO_OBJECT_ROOT, ".drafts", 0 },
	{ INO_OBJECT_ARCHIVE, INO_OBJECT_ROOT, ".archive", 0 },
	{ INO_OBJECT_DEFAULTS, INO_OBJECT_CONTROL, "defaults", ATTR_DRAFT },
	{ INO_OBJECT_SOCKETS, INO_OBJECT_CONTROL, ".sockets", 0 },
};
const size_t node_fixed_n = ARRAY_SIZE(node_fixed_dirs);

static const struct node_fixed *fixed_find(uint64_t object)
{
	for (size_t i = 0; i < node_fixed_n; i++)
		if (node_fixed_dirs[i].object == object)
			return &node_fixed_dirs[i];
	return NULL;
}

/* A hashed number is a weaver's, a draft's or an archive entry's; weavers are asked for most. */
static int find_hashed(const struct weaverfs *fs, struct node *n)
{
	if (registry_find(fs->registry, n->object, &n->w) == 0) {
		n->scope = ATTR_LIVE;
		n->view.w = &n->w;
		n->view.pod = n->w.pod;
		return 0;
	}
	if (drafts_find(fs->drafts, n->object, &n->draft) == 0) {
		n->scope = ATTR_DRAFT;
		n->view.spec = n->draft.spec;
		return 0;
	}
	n->scope = ATTR_ARCHIVE;
	return archive_find(fs->archive, n->object, &n->archived);
}

static int find_fixed(const struct weaverfs *fs, struct node *n)
{
	if (n->object == INO_OBJECT_ROOT)
		return 0;
	const struct node_fixed *f = fixed_find(n->object);
	if (!f)
		return -ENOENT;
	n->scope = f->scope;
	if (n->object != INO_OBJECT_DEFAULTS)
		return 0;
	int r = drafts_find(fs->drafts, n->object, &n->draft);
	n->view.spec = n->draft.spec;
	return r;
}

/* `.weaver` has one number a weaver, its row's. */
static bool row_is_alias(unsigned row)
{
	enum attr_enter enter = table_enter(row);

	return enter != ATTR_ENTER_NONE && enter != ATTR_ENTER_WEAVER;
}

int node_find(const struct weaverfs *fs, fuse_ino_t ino, const struct caller *caller,
	      struct node *ret)
{
	struct alias alias = { .object = ino_object(ino) };

	if (row_is_alias(ino_row(ino)))
		alias_find(fs->aliases, ino, &alias);
	*ret = (struct node){
		.ino = ino,
		.object = alias.object,
		.row = ino_row(ino),
		.port = alias.port,
		.view = { .fs = fs, .caller = *caller },
	};
	int r = ret->object >= INO_OBJECT_FIRST ? find_hashed(fs, ret) : find_fixed(fs, ret);
	if (r == 0 && ret->row != INO_ROW_DIR) {
		ret->attr = table_get(ret->row, ret->scope);
		r = ret->attr ? 0 : -ENOENT;
	}
	if (r < 0) {
		node_done(ret);
		return r;
	}
	ret->view.now_s = client_server_time(fs->client);
	return 0;
}

bool node_is_dir(const struct node *n)
{
	return !n->attr || n->attr->flags & ATTR_DIRECTORY;
}

static int find_object(const struct weaverfs *fs, uint64_t object, const struct caller *caller,
		       struct node *ret)
{
	return node_find(fs, ino_make(object, INO_ROW_DIR), caller, ret);
}

/* The object of a name among weavers, drafts or archive entries. -ENOENT. */
static int lookup_object(const struct weaverfs *fs, uint64_t directory, const char *name,
			 uint64_t *ret)
{
	struct registry_view w;
	struct drafts_view draft;
	struct archive_view archived;

	if (directory == INO_OBJECT_ROOT && registry_lookup(fs->registry, name, &w) == 0) {
		*ret = w.object;
		registry_view_done(&w);
		return 0;
	}
	if (directory == INO_OBJECT_DRAFTS && drafts_lookup(fs->drafts, name, &draft) == 0) {
		*ret = draft.object;
		drafts_view_done(&draft);
		return 0;
	}
	if (directory == INO_OBJECT_ARCHIVE && archive_lookup(fs->archive, name, &archived) == 0) {
		*ret = archived.object;
		return 0;
	}
	return -ENOENT;
}

/* "8080" in ports/: the row of all of them; 0: no port's number, or not as one writes it. */
static unsigned lookup_port(const struct node *parent, const char *name, uint16_t *ret)
{
	const char *sub = node_subdirectory(parent);
	unsigned row = sub ? table_find("<n>", parent->scope, sub) : 0;
	char *end;

	if (!row || name[0] < '1' || name[0] > '9')
		return 0;
	unsigned long port = strtoul(name, &end, 10);
	if (*end || port > UINT16_MAX)
		return 0;
	*ret = (uint16_t)port;
	return row;
}

int node_lookup(const struct weaverfs *fs, const struct node *parent, const char *name,
		const struct caller *caller, struct node *ret)
{
	uint64_t object;

	if (!node_is_dir(parent))
		return -ENOTDIR;
	for (size_t i = 0; i < node_fixed_n && !parent->attr; i++)
		if (node_fixed_dirs[i].parent == parent->object &&
		    node_fixed_dirs[i].object != INO_OBJECT_SOCKETS &&
		    strcmp(node_fixed_dirs[i].name, name) == 0)
			return find_object(fs, node_fixed_dirs[i].object, caller, ret);
	if (!parent->scope) {
		int r = lookup_object(fs, parent->object, name, &object);
		return r < 0 ? r : find_object(fs, object, caller, ret);
	}
	unsigned row = table_find(name, parent->scope, node_subdirectory(parent));
	uint16_t port = 0;
	if (!row || table_enter(row) == ATTR_ENTER_PORT)
		row = lookup_port(parent, name, &port);
	int r = row ? node_find(fs, ino_make(parent->object, row), caller, ret) : -ENOENT;
	ret->port = port;
	return r;
}

int node_take_alias(struct node *n)
{
	const struct alias what = { .object = n->object, .row = n->row, .port = n->port };

	return row_is_alias(n->row) ? alias_take(n->view.fs->aliases, &what, &n->ino) : 0;
}

void node_done(struct node *n)
{
	registry_view_done(&n->w);
	drafts_view_done(&n->draft);
}

static off_t content_size(const struct node *n)
{
	struct spool *spool = n->w.spools[n->attr->spool];

	if (n->scope == ATTR_ARCHIVE)
		return archive_file_size(n->view.fs->archive, n->object, n->attr->name);
	if (n->attr->spool != SPOOL_NONE)
		return spool ? spool_size(spool) : 0;
	if (!n->attr->show)
		return 0;
	_cleanup_(buf_done) struct buf content = BUF_INIT;
	return n->attr->show(&n->view, &content, NULL) < 0 ? 0 : (off_t)content.len;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / CLOCK_NS_PER_S, .tv_nsec = ns % CLOCK_NS_PER_S };
}

static int64_t entries_changed_ns(const struct node *n)
{
	const struct weaverfs *fs = n->view.fs;

	if (n->attr)
		return 0;
	return n->object == INO_OBJECT_ROOT      ? registry_root_changed_ns(fs->registry)
	       : n->object == INO_OBJECT_DRAFTS  ? drafts_changed_ns(fs->drafts)
	       : n->object == INO_OBJECT_ARCHIVE ? archive_changed_ns(fs->archive)
						 : 0;
}

/* The root, and what is like it: directories in which users make and remove entries. */
static void stat_fixed(const struct node *n, struct stat *st)
{
	const struct config *config = n->view.fs->config;
	bool shared = !n->scope || (n->attr && n->attr->flags & ATTR_BULK);

	st->st_uid = n->view.fs->uid;
	st->st_gid = shared && config->create_gid ? config->create_gid_id : n->view.fs->gid;
	st->st_mode = n->object == INO_OBJECT_SOCKETS ? 0700 : shared ? config->create_mode : 0755;
	st->st_mtim = timespec_of(n->view.fs->started_ns);
	int64_t changed_ns = entries_changed_ns(n);
	if (changed_ns > n->view.fs->started_ns)
		st->st_mtim = timespec_of(changed_ns);
}

static void stat_weaver(const struct node *n, struct stat *st)
{
	struct weaver_owner owner = weaver_owner(n->w.pod, n->view.fs->uid, n->view.fs->gid);

	st->st_uid = owner.uid;
	st->st_gid = owner.gid;
	st->st_mode = owner.mode;
	st->st_mtim = timespec_of(n->w.changed_ns);
}

static void stat_object(const struct node *n, struct stat *st)
{
	if (n->scope == ATTR_LIVE) {
		stat_weaver(n, st);
	} else if (n->scope == ATTR_DRAFT) {
		st->st_uid = n->draft.uid;
		st->st_gid = n->draft.gid;
		st->st_mode = n->draft.mode;
		st->st_mtim = timespec_of(n->draft.changed_ns);
	} else if (n->scope == ATTR_ARCHIVE) {
		st->st_uid = n->archived.uid;
		st->st_gid = n->archived.gid;
		st->st_mode = n->archived.mode;
		st->st_mtim = timespec_of(n->archived.changed_ns);
	} else {
		stat_fixed(n, st);
	}
}

/* Who may mkdir may write and read .weaverfs/new. */
static mode_t file_mode(const struct node *n, mode_t directory)
{
	if (n->attr->flags & ATTR_BULK)
		return (directory & 0222) | (directory & 0222) << 1;
	return table_mode(n->attr, n->scope);
}

static void stat_file(const struct node *n, struct stat *st)
{
	st->st_mode = table_type(n->attr) | file_mode(n, st->st_mode);
	st->st_nlink = n->w.gone ? 0 : 1;
	st->st_size = content_size(n);
	st->st_blocks = (st->st_size + 511) / 512;
	struct spool *spool = n->w.spools[n->attr->spool];
	if (n->scope == ATTR_LIVE && spool)
		st->st_mtim = timespec_of(spool_changed_ns(spool));
	else if (n->scope == ATTR_CONTROL && !(n->attr->flags & ATTR_CONSTANT))
		st->st_mtim = timespec_of(clock_realtime_ns()); /* made when read */
}

void node_stat(const struct node *n, struct stat *st)
{
	*st = (struct stat){ .st_ino = n->ino,
			     .st_nlink = n->w.gone ? 0 : 2,
			     .st_blksize = BLOCK_SIZE };
	stat_object(n, st);
	if (!node_is_dir(n))
		stat_file(n, st);
	else if (n->attr)
		st->st_mode = S_IFDIR | (table_mode(n->attr, n->scope) & st->st_mode);
	else
		st->st_mode |= S_IFDIR;
	st->st_atim = st->st_ctim = st->st_mtim;
}

void node_timeouts(const struct node *n, double *ret_entry, double *ret_attr)
{
	const struct weaverfs *fs = n->view.fs;
	double helped = poke_running(fs->poke, NULL) ? TIMEOUT_HELPED_S : TIMEOUT_ALONE_S;

	*ret_entry = TIMEOUT_FILE_NAME_S;
	*ret_attr = helped;
	if (n->attr) {
		bool constant = n->attr->flags & (ATTR_CONSTANT | ATTR_DIRECTORY) && !n->w.gone;
		*ret_attr = constant ? helped : 0;
		if (n->attr->enter != ATTR_ENTER_NONE)
			*ret_entry = 0; /* each look-up is told: a socket is bound for it */
	} else if (n->scope == ATTR_DRAFT && n->object != INO_OBJECT_DEFAULTS) {
		*ret_entry = *ret_attr = 0; /* mv turns it into a weaver, another inode */
	} else if (n->object == INO_OBJECT_SOCKETS) {
		*ret_entry = 0; /* its name is there for the helper alone */
	} else if (n->object >= INO_OBJECT_FIRST) {
		uint64_t directory = n->scope == ATTR_LIVE ? INO_OBJECT_ROOT : INO_OBJECT_ARCHIVE;
		const char *name = n->scope == ATTR_LIVE ? n->w.name : n->archived.name;
		/* By its id: no helper takes that name away. */
		bool by_id =
			n->scope == ATTR_LIVE && n->object == ino_object_of(n->w.pod->uid, "id");
		*ret_entry = poke_pending(fs->poke, directory, name) ? 0
			     : by_id                                 ? TIMEOUT_ALONE_S
								     : helped;
	}
}

void node_entry(const struct node *n, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){ .ino = n->ino };
	node_stat(n, &ret->attr);
	node_timeouts(n, &ret->entry_timeout, &ret->attr_timeout);
}

void node_path(const struct node *n, char *to, size_t size)
{
	const struct node_fixed *f = fixed_find(n->object);
	const struct node_fixed *parent = f ? fixed_find(f->parent) : NULL;
	const char *above = parent                     ? parent->name
			    : n->scope == ATTR_DRAFT   ? ".drafts"
			    : n->scope == ATTR_ARCHIVE ? ".archive"
						       : NULL;
	const char *dir = f                          ? f->name
			  : n->scope == ATTR_LIVE    ? n->w.name
			  : n->scope == ATTR_DRAFT   ? n->draft.name
			  : n->scope == ATTR_ARCHIVE ? n->archived.name
						     : ".";
	const char *sub = n->attr ? n->attr->dir : NULL;
	const char *name = n->attr ? n->attr->name : "";
	char port[8];

	if (n->port) {
		snprintf(port, sizeof(port), "%u", n->port);
		name = port;
	}
	snprintf(to, size, "%s%s%s%s%s%s%s", above ? above : "", above ? "/" : "", dir,
		 sub ? "/" : "", sub ? sub : "", n->attr ? "/" : "", name);
}
