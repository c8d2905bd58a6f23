/* SPDX-License-Identifier: Apache-2.0 */
/* All weavers of a mount that we may see, with what a list shows of each. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

#define ROWS_ID_MAX 48

struct row {
	char name[80]; /* of its directory; in .archive: with ~ and the end of its id */
	char id[ROWS_ID_MAX], pod[64], status[16];
	char image[256], owner[24], node[64], ip[48];
	char reason[256]; /* its first line */
	char *tags;       /* owned; key=value lines */
	int64_t created_s, expires_s;
	bool archived;
};

struct rows {
	struct row *all; /* owned */
	size_t n;
};

/*
 * By name. archive: also what is in .archive; else from there only those that are terminating, as
 * .weaverfs/weavers has them. What vanishes meanwhile is left out. -errno.
 */
int rows_load(const char *mount, bool archive, struct rows *ret, struct error *e);
void rows_done(struct rows *r);
/* The row of one directory; false: it is not there, or not ours to read. */
bool rows_load_one(int parent, const char *name, struct row *ret);
/* The value of a tag, borrowed, with its length; NULL: it has no such. */
const char *rows_tag(const struct row *row, const char *key, size_t *ret_len);
