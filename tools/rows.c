/* SPDX-License-Identifier: Apache-2.0 */
/* See rows.h. Each value is a file, answered from the daemon's cache. */
#include "tools/rows.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/value.h"

bool rows_load_one(int parent, const char *name, struct row *ret)
{
	_cleanup_(cleanup_close) int dir = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(buf_done) struct buf tags = BUF_INIT;
	struct row row = { 0 };

	if (dir < 0 || strlen(name) >= sizeof(row.name))
		return false;
	strcpy(row.name, name);
	value_get(dir, "id", row.id, sizeof(row.id));
	value_get(dir, "status", row.status, sizeof(row.status));
	if (!row.id[0] || !row.status[0])
		return false;
	value_get(dir, "pod", row.pod, sizeof(row.pod));
	value_get(dir, "image", row.image, sizeof(row.image));
	value_get(dir, "owner", row.owner, sizeof(row.owner));
	value_get(dir, "node", row.node, sizeof(row.node));
	value_get(dir, "ip", row.ip, sizeof(row.ip));
	value_get(dir, "reason", row.reason, sizeof(row.reason));
	row.created_s = value_time(dir, "created");
	row.expires_s = value_time(dir, "expires");
	value_read(dir, "tags", &tags, NULL);
	row.tags = buf_steal(&tags);
	*ret = row;
	return row.tags != NULL;
}

static int rows_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->archived != y->archived)
		return x->archived ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int rows_add(struct rows *r, const struct row *row, struct error *e)
{
	if ((r->n & (r->n - 1)) == 0) {
		size_t room = r->n ? 2 * r->n : 1;
		struct row *all = reallocarray(r->all, room, sizeof(*all));
		if (!all) {
			free(row->tags);
			return error_oom(e);
		}
		r->all = all;
	}
	r->all[r->n++] = *row;
	return 0;
}

static int rows_load_dir(struct rows *r, const char *path, bool archived, bool all, struct error *e)
{
	DIR *dir = opendir(path);
	int result = 0;

	if (!dir)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	for (const struct dirent *d; result == 0 && (d = readdir(dir));) {
		struct row row;
		if (d->d_name[0] == '.' || !rows_load_one(dirfd(dir), d->d_name, &row))
			continue;
		row.archived = archived;
		if (all || strcmp(row.status, "terminating") == 0)
			result = rows_add(r, &row, e);
		else
			free(row.tags);
	}
	closedir(dir);
	return result;
}

int rows_load(const char *mount, bool archive, struct rows *ret, struct error *e)
{
	_cleanup_(buf_done) struct buf gone = BUF_INIT;
	struct rows r = { 0 };

	buf_printf(&gone, "%s/.archive", mount);
	int result = rows_load_dir(&r, mount, false, true, e);
	if (result == 0)
		result = rows_load_dir(&r, buf_str(&gone), true, archive, e);
	if (result < 0) {
		rows_done(&r);
		return result;
	}
	if (r.n > 0)
		qsort(r.all, r.n, sizeof(*r.all), rows_compare);
	*ret = r;
	return 0;
}

void rows_done(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->all[i].tags);
	free(r->all);
	*r = (struct rows){ 0 };
}

const char *rows_tag(const struct row *row, const char *key, size_t *ret_len)
{
	size_t len = strlen(key);

	for (const char *line = row->tags; line && *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == '=') {
			*ret_len = strcspn(line + len + 1, "\n");
			return line + len + 1;
		}
	}
	return NULL;
}
