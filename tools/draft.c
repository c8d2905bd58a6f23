/* SPDX-License-Identifier: Apache-2.0 */
/* See draft.h. The daemon checks each value when it is written, and says why not. */
#include "tools/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/value.h"
#include "tools/why.h"

bool draft_add(struct draft *d, const char *file, const char *text)
{
	if (d->n == DRAFT_VALUES_MAX)
		return false;
	d->values[d->n++] = (struct draft_value){ file, text };
	return true;
}

static bool draft_is_list(const char *file)
{
	return strcmp(file, "env") == 0 || strcmp(file, "tags") == 0 ||
	       strcmp(file, "secrets") == 0;
}

static bool draft_same_key(const char *line, const char *other)
{
	size_t len = strcspn(line, "=");

	return strcspn(other, "=\n") == len && strncmp(line, other, len) == 0;
}

/* What the list has already, without those keys that are ours now. */
static int draft_keep(const struct draft *d, int dir, const char *file, struct buf *out,
		      struct error *e)
{
	_cleanup_(buf_done) struct buf have = BUF_INIT;

	/* of secrets the keys alone can be read, and a new draft has none */
	if (strcmp(file, "secrets") == 0)
		return 0;
	int r = value_read(dir, file, &have, e);
	if (r < 0)
		return r;
	for (char *rest = have.data, *line; rest && (line = strsep(&rest, "\n"));) {
		bool ours = line[0] == '\0';
		for (int i = 0; i < d->n; i++)
			ours |= strcmp(d->values[i].file, file) == 0 &&
				draft_same_key(line, d->values[i].text);
		if (!ours)
			buf_printf(out, "%s\n", line);
	}
	return 0;
}

/* All values of one file in one write; i is the first of them. */
static int draft_write(const struct draft *d, int dir, int i, struct error *e)
{
	_cleanup_(buf_wipe) struct buf text = BUF_INIT;
	const char *file = d->values[i].file;
	int r = draft_is_list(file) ? draft_keep(d, dir, file, &text, e) : 0;

	if (r < 0)
		return r;
	for (int k = i; k < d->n; k++)
		if (strcmp(d->values[k].file, file) == 0)
			buf_printf(&text, "%s\n", d->values[k].text);
	if (buf_error(&text) < 0)
		return error_oom(e);
	return value_write(dir, file, buf_str(&text), text.len, e);
}

static int draft_fill(const struct draft *d, const char *path, struct error *e)
{
	_cleanup_(cleanup_close) int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (dir < 0)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < d->n && r == 0; i++) {
		bool first = true;
		for (int k = 0; k < i; k++)
			first &= strcmp(d->values[k].file, d->values[i].file) != 0;
		if (first)
			r = draft_write(d, dir, i, e);
	}
	return r;
}

int draft_create(const struct draft *d, const char *mount, const char *name, struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, to = BUF_INIT;
	int64_t since_s = why_now();

	buf_printf(&to, "%s/%s", mount, name);
	/* its own name, so that nobody's draft is in the way, and ours in nobody's */
	buf_printf(&path, "%s/.drafts/%.40s-%d", mount, name, getpid());
	if (buf_error(&to) < 0 || buf_error(&path) < 0)
		return error_oom(e);
	const char *made = buf_str(d->n == 0 ? &to : &path);
	if (mkdir(made, 0777) < 0) {
		error_set(e, errno, "%s: %s", name, strerror(errno));
		return why_explain(mount, name, since_s, e);
	}
	if (d->n == 0)
		return 0;
	int r = draft_fill(d, made, e);
	const char *what = strrchr(made, '/') + 1;
	if (r == 0 && renameat2(AT_FDCWD, made, AT_FDCWD, buf_str(&to), RENAME_NOREPLACE) < 0)
		r = error_set(e, errno, "%s: %s", name, strerror(errno));
	if (r < 0) {
		why_explain(mount, what, since_s, e);
		rmdir(made);
	}
	return r;
}
