/* SPDX-License-Identifier: Apache-2.0 */
/* See find.h. */
#include "tools/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/uuid.h"
#include "tools/value.h"

#define FIND_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define FIND_ID_MAX 48
#define FIND_ID_MIN 4 /* of an id's beginning or end: fewer name anything */

/* ---- the mount ---- */

struct find_mounts {
	struct buf only, here; /* one of them; the innermost around the current directory */
	unsigned n, dead;
};

static void find_mounts_done(struct find_mounts *m)
{
	buf_done(&m->only);
	buf_done(&m->here);
}

/* A weaver's directory that is bind-mounted alone has no .weaverfs. */
static void find_add_mount(struct find_mounts *m, const char *dir, const char *cwd)
{
	_cleanup_(cleanup_close) int fd = open(dir, FIND_FLAGS);
	size_t len = strlen(dir);

	if (fd < 0 && errno == ENOTCONN)
		m->dead++;
	if (fd < 0 || faccessat(fd, ".weaverfs", F_OK, 0) < 0)
		return;
	m->n++;
	buf_reset(&m->only);
	buf_add_str(&m->only, dir);
	if (cwd && strncmp(cwd, dir, len) == 0 && (cwd[len] == '/' || cwd[len] == '\0') &&
	    len > m->here.len) {
		buf_reset(&m->here);
		buf_add_str(&m->here, dir);
	}
}

static void find_list_mounts(struct find_mounts *ret)
{
	_cleanup_(cleanup_free) char *cwd = getcwd(NULL, 0);
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	if (!mounts)
		return;
	for (const struct mntent *m = getmntent(mounts); m; m = getmntent(mounts))
		if (strcmp(m->mnt_type, "fuse.weaverfs") == 0)
			find_add_mount(ret, m->mnt_dir, cwd);
	endmntent(mounts);
}

int find_mount(struct buf *ret, struct error *e)
{
	_cleanup_(find_mounts_done) struct find_mounts m = { 0 };
	const char *named = getenv("WEAVER_MOUNT");

	if (named && named[0]) {
		buf_add_str(ret, named);
		return buf_error(ret) < 0 ? error_oom(e) : 0;
	}
	find_list_mounts(&m);
	if (m.n == 0 && m.dead > 0)
		return error_set(e, ENOTCONN,
				 "the weaverfs that was mounted here has ended: mount it again");
	if (m.n == 0)
		return error_set(e, ENOENT, "no weaverfs is mounted here: weaver mount");
	if (m.n > 1 && m.here.len == 0)
		return error_set(e, EINVAL,
				 "several weaverfs are mounted: set $WEAVER_MOUNT, or "
				 "go into one");
	buf_add_str(ret, buf_str(m.here.len > 0 ? &m.here : &m.only));
	return buf_error(ret) < 0 ? error_oom(e) : 0;
}

/* ---- a weaver in it ---- */

struct find_match {
	const char *name; /* wanted */
	struct buf path;  /* of the last that matched */
	unsigned n;
	bool exact;
};

static bool find_ends(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

/* How well an entry fits: 2 exactly, 1 by a part, 0 not. */
static int find_fit(int dir, const char *entry, const char *name)
{
	size_t len = strlen(name);
	char id[FIND_ID_MAX];

	if (strcmp(entry, name) == 0)
		return 2;
	if (strncmp(entry, name, len) == 0)
		return 1;
	if (len < FIND_ID_MIN || strspn(name, "0123456789abcdef-") < len)
		return 0;
	_cleanup_(cleanup_close) int fd = openat(dir, entry, FIND_FLAGS);
	value_get(fd, "id", id, sizeof(id));
	if (strcmp(id, name) == 0)
		return 2;
	return strncmp(id, name, len) == 0 || find_ends(id, name);
}

static void find_look(struct find_match *m, const char *mount, const char *below)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s%s", mount, below);
	DIR *dir = opendir(buf_str(&path));
	for (const struct dirent *d = dir ? readdir(dir) : NULL; d && !m->exact; d = readdir(dir)) {
		int fit = d->d_name[0] == '.' ? 0 : find_fit(dirfd(dir), d->d_name, m->name);
		if (fit == 0)
			continue;
		m->exact = fit == 2;
		m->n = m->exact ? 1 : m->n + 1;
		buf_reset(&m->path);
		buf_printf(&m->path, "%s/%s", buf_str(&path), d->d_name);
	}
	if (dir)
		closedir(dir);
}

static int find_in_mount(const char *name, bool archive, struct buf *ret, struct error *e)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	struct find_match m = { .name = name };
	struct stat st;

	int r = find_mount(&mount, e);
	if (r < 0)
		return r;
	/* the plain case, without a list: also for who may search the mount, but not read it */
	buf_printf(ret, "%s/%s", buf_str(&mount), name);
	bool there =
		name[0] && name[0] != '.' && stat(buf_str(ret), &st) == 0 && S_ISDIR(st.st_mode);
	/* an id is there, too, but the weaver has a name */
	if (there && strlen(name) != UUID_LEN)
		return 0;
	if (name[0] != '\0') {
		find_look(&m, buf_str(&mount), "");
		if (archive && m.n == 0)
			find_look(&m, buf_str(&mount), "/.archive");
	}
	if (there && m.n != 1) {
		buf_done(&m.path);
		return 0;
	}
	buf_reset(ret);
	buf_add_str(ret, buf_str(&m.path));
	buf_done(&m.path);
	if (m.n > 1)
		return error_set(e, EINVAL, "%s: %u weavers begin so: write more of the name", name,
				 m.n);
	if (m.n == 0)
		return error_set(e, ENOENT, "%s: no such weaver in %s%s", name, buf_str(&mount),
				 archive ? " or its .archive" : "");
	return buf_error(ret) < 0 ? error_oom(e) : 0;
}

int find_weaver(const char *name, bool archive, struct buf *ret, struct error *e)
{
	_cleanup_(cleanup_close) int fd = open(name, FIND_FLAGS);

	if (fd < 0 && strchr(name, '/'))
		return error_set(e, errno, "%s: %s", name, strerror(errno));
	if (fd < 0 || (!strchr(name, '/') && faccessat(fd, "exit_code", F_OK, 0) < 0))
		return find_in_mount(name, archive, ret, e);
	/* "." has no name of its own: what is printed about it should have one */
	_cleanup_(cleanup_free) char *real = realpath(name, NULL);
	buf_add_str(ret, real ? real : name);
	return buf_error(ret) < 0 ? error_oom(e) : 0;
}

int find_open(const char *name, bool archive, struct buf *ret_path, struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	int r = find_weaver(name, archive, &path, e);

	if (r < 0)
		return r;
	int fd = open(buf_str(&path), FIND_FLAGS);
	if (fd < 0)
		return error_set(e, errno, "%s: %s", name, strerror(errno));
	if (ret_path)
		buf_add_str(ret_path, buf_str(&path));
	return fd;
}
