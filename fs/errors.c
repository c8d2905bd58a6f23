/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of rows of fixed size: noting a failure allocates nothing, so it cannot fail itself. A
 * reader copies one row at a time under the lock and formats it without, and rows that are
 * overwritten meanwhile are simply not shown.
 */
#include "fs/errors.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "k8s/base/lock.h"
#include "k8s/base/rfc3339.h"

#define ROWS 256

struct row {
	int64_t when_s;
	uid_t uid;
	int code; /* 0: a warning */
	char op[16];
	char path[256];
	char text[sizeof(((struct error *)0)->text)];
};

struct errors {
	struct lock lock; /* leaf: rows and count */
	uint64_t count;   /* since the start; row i of all is rows[i % ROWS] */
	uint64_t failed;  /* of them */
	struct row rows[ROWS];
};

int errors_new(struct errors **ret, struct error *e)
{
	struct errors *l = calloc(1, sizeof(*l));

	if (!l)
		return error_oom(e);
	lock_init(&l->lock, LOCK_LEAF);
	*ret = l;
	return 0;
}

void errors_free(struct errors *l)
{
	if (!l)
		return;
	lock_done(&l->lock);
	free(l);
}

static void copy_cut(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error)
{
	int64_t now_s = clock_realtime_ns() / CLOCK_NS_PER_S;

	lock_guard(&l->lock);
	struct row *row = &l->rows[l->count++ % ROWS];
	row->when_s = now_s;
	row->uid = uid;
	row->code = error->code;
	l->failed += error->code != 0;
	copy_cut(row->op, sizeof(row->op), op);
	copy_cut(row->path, sizeof(row->path), path);
	copy_cut(row->text, sizeof(row->text), error->text);
}

void errors_warn(struct errors *l, uid_t uid, const char *op, const char *path, const char *text)
{
	struct error e = ERROR_INIT;

	copy_cut(e.text, sizeof(e.text), text);
	errors_add(l, uid, op, path, &e);
}

uint64_t errors_failed(struct errors *l)
{
	lock_guard(&l->lock);
	return l->failed;
}

static uint64_t count_rows(struct errors *l)
{
	lock_guard(&l->lock);
	return l->count;
}

/* False: it is not there any more (or not yet). */
static bool copy_row(struct errors *l, uint64_t i, struct row *ret)
{
	lock_guard(&l->lock);
	if (i >= l->count || l->count - i > ROWS)
		return false;
	*ret = l->rows[i % ROWS];
	return true;
}

static void add_field(struct buf *out, const char *s)
{
	buf_add_char(out, '\t');
	buf_add_escaped(out, s, strlen(s));
}

static void add_line(struct buf *out, const struct row *row)
{
	char stamp[RFC3339_SECONDS_LEN + 1];

	rfc3339_format(row->when_s, stamp);
	buf_printf(out, "%s\t%u", stamp, row->uid);
	add_field(out, row->op);
	add_field(out, row->path);
	add_field(out, row->code ? error_name(row->code) : "warning");
	add_field(out, row->text);
	buf_add_char(out, '\n');
}

void errors_show(struct errors *l, uid_t viewer, bool all, struct buf *out)
{
	uint64_t end = count_rows(l);
	struct row row;

	for (uint64_t i = end > ROWS ? end - ROWS : 0; i < end; i++) {
		if (copy_row(l, i, &row) && (all || row.uid == viewer))
			add_line(out, &row);
	}
}
