/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inode number stands for at this moment: a directory of the tree or a row of the attribute
 * table in it, with the references that its handlers need. Everything comes from memory. Any
 * thread.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "fs/archive/archive.h"
#include "fs/attr/attr.h"
#include "fs/life/drafts.h"

struct node {
	fuse_ino_t ino;
	uint64_t object;
	unsigned row;             /* 0: the object's own directory */
	unsigned scope;           /* the ATTR_… of the files in this directory; 0 in the root */
	const struct attr *attr;  /* NULL: the object's own directory */
	uint16_t port;            /* of a file in ports/ */
	struct registry_view w;   /* ATTR_LIVE */
	struct drafts_view draft; /* ATTR_DRAFT */
	struct archive_view archived; /* ATTR_ARCHIVE */
	struct weaver_view view;
};

/* -ENOENT: the number means nothing (any more). Filled in place: view points into it. */
int node_find(const struct weaverfs *fs, fuse_ino_t ino, const struct caller *caller,
	      struct node *ret);
/*
 * The child `name` of the directory `parent`. -ENOENT, -ENOTDIR. Of a way into a weaver
 * (attr.enter) ino is its row's until node_take_alias() gives it a number that the kernel counts.
 */
int node_lookup(const struct weaverfs *fs, const struct node *parent, const char *name,
		const struct caller *caller, struct node *ret);
void node_done(struct node *n);
/* For one look-up that is answered with n. 0 or -ENOMEM. */
int node_take_alias(struct node *n);
/* A directory: an object's own, or a subdirectory of it. */
bool node_is_dir(const struct node *n);

/* As stat(2); renders the content to know its size. -errno of the handler never fails it. */
void node_stat(const struct node *n, struct stat *st);
/* For FUSE replies: how long the kernel may believe the name, and the attributes. Seconds. */
void node_timeouts(const struct node *n, double *ret_entry, double *ret_attr);
/* Fills a whole lookup answer. */
void node_entry(const struct node *n, struct fuse_entry_param *ret);
/* "fix-42/ttl": for error lines. */
void node_path(const struct node *n, char *to, size_t size);

/* The names of a directory, as they are now: for opendir(3). */
struct node_name {
	fuse_ino_t ino;
	mode_t type; /* S_IFDIR, S_IFREG or S_IFSOCK */
	char name[REGISTRY_NAME_MAX];
};
/* Owned array. -ENOTDIR, -ENOMEM. */
int node_list_take(const struct node *dir, struct node_name **ret, size_t *ret_n);
