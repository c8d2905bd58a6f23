/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a directory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/into/socket.h"
#include "fs/tree/ino.h"
#include "fs/tree/node_private.h"

/* A growing array of names. */
struct names {
	struct node_name *names;
	size_t n, room;
};

static int names_reserve(struct names *l, size_t more)
{
	if (l->n + more <= l->room)
		return 0;
	struct node_name *grown = reallocarray(l->names, l->n + more, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->names = grown;
	l->room = l->n + more;
	return 0;
}

static void name_add(struct names *l, fuse_ino_t ino, mode_t type, const char *name)
{
	struct node_name *to = &l->names[l->n++];

	to->ino = ino;
	to->type = type;
	snprintf(to->name, sizeof(to->name), "%s", name);
}

static int list_weavers(const struct weaverfs *fs, struct names *l)
{
	struct registry_entry *weavers;
	size_t n;
	int r = registry_list_take(fs->registry, false, &weavers, &n);

	if (r < 0)
		return r;
	r = names_reserve(l, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		name_add(l, ino_make(weavers[i].object, INO_ROW_DIR), S_IFDIR, weavers[i].name);
	registry_list_free(weavers, n);
	return r;
}

static int list_drafts(const struct weaverfs *fs, struct names *l)
{
	_cleanup_(cleanup_free) struct drafts_name *drafts = NULL;
	size_t n;
	int r = drafts_list(fs->drafts, &drafts, &n);

	if (r == 0)
		r = names_reserve(l, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		name_add(l, ino_make(drafts[i].object, INO_ROW_DIR), S_IFDIR, drafts[i].name);
	return r;
}

static int list_archive(const struct weaverfs *fs, struct names *l)
{
	_cleanup_(cleanup_free) struct archive_view *entries = NULL;
	size_t n;
	int r = archive_list(fs->archive, &entries, &n);

	if (r == 0)
		r = names_reserve(l, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		name_add(l, ino_make(entries[i].object, INO_ROW_DIR), S_IFDIR, entries[i].name);
	return r;
}

static int list_rows(const struct node *dir, struct names *l)
{
	int r = names_reserve(l, table_n);

	for (unsigned row = ATTR_ROW_FIRST; r == 0 && row <= table_n; row++) {
		const struct attr *a = table_get(row, dir->scope);
		if (a && !(a->flags & ATTR_HIDDEN) &&
		    table_find(a->name, dir->scope, node_subdirectory(dir)) == row)
			name_add(l, ino_make(dir->object, row), table_type(a), a->name);
	}
	return r;
}

/* Ports that somebody has connected to, or may be about to. */
static int list_ports(const struct node *dir, struct names *l)
{
	const struct weaverfs *fs = dir->view.fs;
	_cleanup_(cleanup_free) uint16_t *ports = NULL;
	size_t n;
	char name[8];

	int r = socket_list(fs->sockets, dir->object, &ports, &n);
	if (r == 0)
		r = names_reserve(l, n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		snprintf(name, sizeof(name), "%u", ports[i]);
		name_add(l, ino_make(dir->object, dir->row), S_IFSOCK, name);
	}
	return r;
}

static int list_fixed(const struct node *dir, struct names *l)
{
	int r = names_reserve(l, node_fixed_n);

	for (size_t i = 0; r == 0 && i < node_fixed_n && !dir->attr; i++)
		if (node_fixed_dirs[i].parent == dir->object &&
		    node_fixed_dirs[i].object != INO_OBJECT_SOCKETS)
			name_add(l, ino_make(node_fixed_dirs[i].object, INO_ROW_DIR), S_IFDIR,
				 node_fixed_dirs[i].name);
	return r;
}

int node_list_take(const struct node *dir, struct node_name **ret, size_t *ret_n)
{
	const struct weaverfs *fs = dir->view.fs;
	struct names l = { 0 };
	int r;

	if (!node_is_dir(dir))
		return -ENOTDIR;
	r = list_fixed(dir, &l);
	if (r == 0 && dir->object == INO_OBJECT_ROOT)
		r = list_weavers(fs, &l);
	else if (r == 0 && dir->object == INO_OBJECT_DRAFTS)
		r = list_drafts(fs, &l);
	else if (r == 0 && dir->object == INO_OBJECT_ARCHIVE)
		r = list_archive(fs, &l);
	else if (r == 0)
		r = list_rows(dir, &l);
	if (r == 0 && dir->attr && table_find("<n>", dir->scope, dir->attr->name))
		r = list_ports(dir, &l);
	if (r < 0) {
		free(l.names);
		return r;
	}
	*ret = l.names;
	*ret_n = l.n;
	return 0;
}
