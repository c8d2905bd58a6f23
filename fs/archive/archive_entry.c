/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry on disk: <state_dir>/archive/<pod uid>/ with the files that it began with in .values, a
 * plain file for each that has changed since, and .state, which says what the entry is and how far
 * it got. A directory appears whole (made as .new-<uid>, then renamed) and goes at once (renamed to
 * .old-<uid>, then removed), a file is replaced by a rename; `logs` and `audit` grow in place, and
 * are made anew from the spool until .state says that the entry is over. So kill -9 at any instant
 * leaves nothing that is half true. Nothing is synced: the spool, which is not either, is kept
 * until the entry is over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/archive/archive_private.h"
#include "fs/archive/archive_values.h"
#include "fs/attr/attr.h"
#include "fs/poke/poke.h"
#include "fs/tree/ino.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/rfc3339.h"
#include "k8s/base/uuid.h"
#include "k8s/base/write.h"
#include "k8s/request.h"

#define STATE_MAX 2048
#define DISK_BLOCK 512 /* of st_blocks */

static void add_path(const struct archive *a, const char *prefix, const char *uid, const char *file,
		     struct buf *out)
{
	buf_printf(out, "%s/%s%s%s%s", a->dir, prefix, uid, file ? "/" : "", file ? file : "");
}

void archive_entry_path(const struct archive_entry *entry, const char *file, struct buf *out)
{
	add_path(entry->archive, "", entry->view.uid_text, file, out);
}

/* ---- writing ---- */

static int write_file(const char *path, const char *bytes, size_t len, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_set(e, errno, "archive: %s: %s", path, strerror(errno));
	int r = write_all(fd, bytes, len);
	close(fd);
	return r < 0 ? error_set(e, -r, "archive: %s: %s", path, strerror(-r)) : 0;
}

/* In a directory that nobody sees yet. */
static int first_file(const struct archive_entry *entry, const char *file, const struct buf *text,
		      struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	add_path(entry->archive, ".new-", entry->view.uid_text, file, &path);
	if (buf_error(&path) < 0 || buf_error(text) < 0)
		return error_oom(e);
	return write_file(path.data, buf_str(text), text->len, e);
}

int archive_entry_write(struct archive_entry *entry, const char *file, const char *bytes,
			size_t len, struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, temporary = BUF_INIT;

	archive_entry_path(entry, file, &path);
	archive_entry_path(entry, ".new", &temporary);
	if (buf_error(&path) < 0 || buf_error(&temporary) < 0)
		return error_oom(e);
	int r = write_file(temporary.data, bytes, len, e);
	if (r == 0 && rename(temporary.data, path.data) < 0)
		r = error_set(e, errno, "archive: %s: %s", path.data, strerror(errno));
	return r;
}

static void state_text(const struct archive_entry *entry, struct buf *text)
{
	const struct archive_view *v = &entry->view;

	buf_printf(text, "name=%s\npod=%s\noutcome=%s\n", v->name, entry->pod, entry->outcome);
	buf_printf(text, "uid=%u\ngid=%u\nmode=%o\n", v->uid, v->gid, v->mode);
	buf_printf(text, "changed_ns=%" PRId64 "\nbegun=%" PRId64 "\nover=%" PRId64 "\n",
		   v->changed_ns, entry->begun_s, entry->over_s);
	buf_printf(text, "bytes=%" PRId64 "\nlog=%s\n", entry->bytes,
		   entry->complete[SPOOL_LOGS] ? "complete" : "open");
	if (entry->audited)
		buf_printf(text, "audit=%s\n", entry->complete[SPOOL_AUDIT] ? "complete" : "open");
}

int archive_entry_save(struct archive_entry *entry, struct error *e)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	state_text(entry, &text);
	if (buf_error(&text) < 0)
		return error_oom(e);
	return archive_entry_write(entry, ".state", text.data, text.len, e);
}

/* ---- the weaver's files ---- */

static int show(const struct archive_entry *entry, const struct attr *a,
		const struct registry_view *w, struct buf *out, struct error *e)
{
	struct weaverfs *fs = entry->archive->fs;
	struct weaver_view view = {
		.fs = fs,
		.now_s = client_server_time(fs->client),
		.w = w,
		.pod = w->pod,
	};

	if (strcmp(a->name, "status") == 0) {
		buf_printf(out, "%s\n",
			   entry->over_s ? entry->outcome : weaver_status_word(WEAVER_TERMINATING));
		return buf_error(out) < 0 ? error_oom(e) : 0;
	}
	return a->show(&view, out, e);
}

/* A file that is other than it was; values: where all are put, before there is anything. */
static int render_file(struct archive_entry *entry, unsigned row, const struct registry_view *w,
		       struct buf *values, struct error *e)
{
	const struct attr *a = table_get(row, ATTR_ARCHIVE);
	_cleanup_(buf_done) struct buf content = BUF_INIT;

	if (!a || a->dir || !a->show)
		return 0;
	int r = show(entry, a, w, &content, e);
	if (r < 0)
		return error_wrap(e, r, "archive: %s", a->name);
	uint64_t sum = hash_bytes(buf_str(&content), content.len), *last = &entry->work->sums[row];
	if (values)
		archive_values_add(values, a->name, buf_str(&content), content.len);
	else if (*last == sum)
		return 0;
	else
		r = archive_entry_write(entry, a->name, buf_str(&content), content.len, e);
	if (r < 0)
		return r;
	*last = sum;
	if (!values)
		poke_changed(entry->archive->fs->poke, entry->view.object, row);
	return 0;
}

static int render(struct archive_entry *entry, const struct registry_view *w, struct buf *values,
		  struct error *e)
{
	int r = 0;

	snprintf(entry->outcome, sizeof(entry->outcome), "%s",
		 weaver_status_word(weaver_outcome(w->pod)));
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n && r == 0; row++)
		r = render_file(entry, row, w, values, e);
	return r;
}

int archive_entry_render(struct archive_entry *entry, struct error *e)
{
	struct archive_work *work = entry->work;

	if (work->last.pod)
		return render(entry, &work->last, NULL, e);
	/* Nothing is known but what the files say already. */
	_cleanup_(buf_done) struct buf status = BUF_INIT;

	buf_printf(&status, "%s\n", entry->outcome);
	if (buf_error(&status) < 0)
		return error_oom(e);
	return archive_entry_write(entry, "status", status.data, status.len, e);
}

/* ---- making and removing ---- */

static int fill(struct archive_entry *entry, const struct registry_view *w, struct error *e)
{
	_cleanup_(buf_done) struct buf values = BUF_INIT, state = BUF_INIT;
	char deleted[RFC3339_SECONDS_LEN + 2];
	static const char by[] = "cluster\n";

	rfc3339_format(entry->begun_s, deleted);
	strcat(deleted, "\n");
	int r = render(entry, w, &values, e);
	if (r < 0)
		return r;
	archive_values_add(&values, "deleted", deleted, strlen(deleted));
	archive_values_add(&values, "deleted_by", by, strlen(by));
	r = first_file(entry, ARCHIVE_VALUES, &values, e);
	if (r < 0)
		return r;
	state_text(entry, &state);
	return first_file(entry, ".state", &state, e);
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);

	if (!d)
		return;
	for (struct dirent *file = readdir(d); file; file = readdir(d))
		if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
			unlinkat(dirfd(d), file->d_name, 0);
	closedir(d);
	rmdir(path);
}

int archive_entry_create(struct archive_entry *entry, const struct registry_view *w,
			 struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, temporary = BUF_INIT;

	archive_entry_path(entry, NULL, &path);
	add_path(entry->archive, ".new-", entry->view.uid_text, NULL, &temporary);
	if (buf_error(&path) < 0 || buf_error(&temporary) < 0)
		return error_oom(e);
	remove_tree(temporary.data);
	if (mkdir(temporary.data, 0700) < 0)
		return error_set(e, errno, "archive: %s: %s", temporary.data, strerror(errno));
	int r = fill(entry, w, e);
	if (r == 0 && rename(temporary.data, path.data) < 0)
		r = error_set(e, errno, "archive: %s: %s", path.data, strerror(errno));
	if (r < 0)
		remove_tree(temporary.data);
	return r;
}

int64_t archive_entry_measure(const struct archive_entry *entry)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	int64_t bytes = 0;
	struct stat st;

	archive_entry_path(entry, NULL, &path);
	DIR *d = opendir(buf_str(&path));
	if (!d)
		return 0;
	for (struct dirent *file = readdir(d); file; file = readdir(d))
		if (strcmp(file->d_name, "..") != 0 && fstatat(dirfd(d), file->d_name, &st, 0) == 0)
			bytes += (int64_t)st.st_blocks * DISK_BLOCK;
	closedir(d);
	return bytes;
}

void archive_entry_remove(const struct archive_entry *entry)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, old = BUF_INIT;

	archive_entry_path(entry, NULL, &path);
	add_path(entry->archive, ".old-", entry->view.uid_text, NULL, &old);
	if (buf_error(&path) == 0 && buf_error(&old) == 0 && rename(path.data, old.data) == 0)
		remove_tree(old.data);
}

/* ---- reading ---- */

static void set_text(char *to, size_t size, const char *value)
{
	if (strlen(value) < size && !strchr(value, '/') && value[0] != '.')
		snprintf(to, size, "%s", value);
}

static void take_line(struct archive_entry *entry, const char *key, const char *value)
{
	struct archive_view *v = &entry->view;

	if (strcmp(key, "name") == 0)
		set_text(v->name, sizeof(v->name), value);
	else if (strcmp(key, "pod") == 0)
		set_text(entry->pod, sizeof(entry->pod), value);
	else if (strcmp(key, "outcome") == 0)
		set_text(entry->outcome, sizeof(entry->outcome), value);
	else if (strcmp(key, "uid") == 0)
		v->uid = (uid_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "gid") == 0)
		v->gid = (gid_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "mode") == 0)
		v->mode = (mode_t)strtoul(value, NULL, 8) & 0777;
	else if (strcmp(key, "changed_ns") == 0)
		v->changed_ns = strtoll(value, NULL, 10);
	else if (strcmp(key, "begun") == 0)
		entry->begun_s = strtoll(value, NULL, 10);
	else if (strcmp(key, "over") == 0)
		entry->over_s = strtoll(value, NULL, 10);
	else if (strcmp(key, "bytes") == 0)
		entry->bytes = strtoll(value, NULL, 10);
	else if (strcmp(key, "log") == 0)
		entry->complete[SPOOL_LOGS] = strcmp(value, "complete") == 0;
	else if (strcmp(key, "audit") == 0) {
		entry->audited = true;
		entry->complete[SPOOL_AUDIT] = strcmp(value, "complete") == 0;
	}
}

static bool read_state(struct archive_entry *entry)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	char text[STATE_MAX];
	char *save_ptr = NULL;

	archive_entry_path(entry, ".state", &path);
	_cleanup_(cleanup_close) int fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (char *line = strtok_r(text, "\n", &save_ptr); line;
	     line = strtok_r(NULL, "\n", &save_ptr)) {
		char *value = strchr(line, '=');

		if (!value)
			return false;
		*value = '\0';
		take_line(entry, line, value + 1);
	}
	return entry->view.name[0] && entry->outcome[0];
}

static int load(struct archive *a, const char *uid)
{
	_cleanup_(cleanup_free) struct archive_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->archive = a;
	list_init(&entry->node);
	snprintf(entry->view.uid_text, sizeof(entry->view.uid_text), "%.63s", uid);
	if (!read_state(entry))
		return 0; /* not of our making */
	entry->view.object = ino_object_of(uid, "archive");
	entry->view.terminating = !entry->over_s;
	int r = archive_insert(entry);
	if (r == 0)
		move_ptr(&entry);
	return r;
}

int archive_entry_load_all(struct archive *a, struct error *e)
{
	int r = 0;

	if (mkdir(a->dir, 0700) < 0 && errno != EEXIST)
		return error_set(e, errno, "archive %s: %s", a->dir, strerror(errno));
	DIR *d = opendir(a->dir);
	if (!d)
		return error_set(e, errno, "archive %s: %s", a->dir, strerror(errno));
	for (struct dirent *file = readdir(d); file && r == 0; file = readdir(d)) {
		const char *name = file->d_name;

		if (strncmp(name, ".new-", 5) == 0 || strncmp(name, ".old-", 5) == 0) {
			_cleanup_(buf_done) struct buf path = BUF_INIT;

			add_path(a, "", name, NULL, &path);
			remove_tree(buf_str(&path));
		} else if (uuid_valid(name)) {
			r = load(a, name);
		}
	}
	closedir(d);
	return r < 0 ? error_oom(e) : 0;
}
