/* SPDX-License-Identifier: Apache-2.0 */
/* See mountplan.h. */
#include "tools/kubesim/mountplan.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/kubesim/bwrap.h"

#define PLAN_MAX 64
#define PLAN_DEPTH 8

struct plan {
	struct buf *out;
	char *hidden[PLAN_MAX]; /* owned */
	size_t hidden_count;
	const struct sandbox_spec *spec;
};

static void arg(struct buf *out, const char *s)
{
	buf_add(out, s, strlen(s) + 1);
}

static void args(struct buf *out, ...)
{
	va_list ap;
	va_start(ap, out);
	const char *s;
	while ((s = va_arg(ap, const char *)))
		arg(out, s);
	va_end(ap);
}

static void hide(struct plan *p, const char *path)
{
	/* What is not there needs no hiding, and must not force its parents open. */
	if (path && path[0] == '/' && access(path, F_OK) == 0 && p->hidden_count < PLAN_MAX)
		p->hidden[p->hidden_count++] = strdup(path);
}

/*
 * FUSE mounts are left out: one may be dead, or wait for this very program, and a sandbox that
 * holds one keeps its daemon from ending.
 */
static void hide_fuse(struct plan *p)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	while (f && fgets(line, sizeof(line), f)) {
		char path[PATH_MAX];
		const char *type = strstr(line, " - ");
		if (type && strncmp(type + 3, "fuse", 4) == 0 && p->hidden_count < PLAN_MAX &&
		    sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			p->hidden[p->hidden_count++] = strdup(path);
	}
	if (f)
		fclose(f);
}

static bool below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	return strncmp(path, dir, n) == 0 && path[n] == '/' && path[n + 1];
}

static bool is_hidden(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->hidden_count; i++)
		if (strcmp(p->hidden[i], path) == 0)
			return true;
	return false;
}

static bool is_target(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->spec->mount_count; i++)
		if (strcmp(p->spec->mounts[i].target, path) == 0)
			return true;
	return strcmp(path, "/workspace") == 0;
}

static bool must_open(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->hidden_count; i++)
		if (below(p->hidden[i], path))
			return true;
	for (size_t i = 0; i < p->spec->mount_count; i++)
		if (below(p->spec->mounts[i].target, path))
			return true;
	return false;
}

static void bind_path(const struct plan *p, const char *path, int depth);

static void bind_entries(const struct plan *p, const char *dir, int depth)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	while (d && (entry = readdir(d))) {
		char path[PATH_MAX];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int n = snprintf(path, sizeof(path), "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
				 entry->d_name);
		if (n > 0 && (size_t)n < sizeof(path))
			bind_path(p, path, depth);
	}
	if (d)
		closedir(d);
}

static void bind_path(const struct plan *p, const char *path, int depth)
{
	struct stat st;
	if (is_hidden(p, path) || is_target(p, path) || lstat(path, &st) < 0)
		return;
	if (S_ISLNK(st.st_mode)) {
		char target[PATH_MAX];
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (n > 0)
			args(p->out, "--symlink", target, path, NULL);
		return;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return;
	if (!S_ISDIR(st.st_mode) || depth >= PLAN_DEPTH || !must_open(p, path)) {
		args(p->out, "--ro-bind-try", path, path, NULL);
		return;
	}
	args(p->out, "--perms", "0755", "--dir", path, NULL);
	bind_entries(p, path, depth + 1);
}

static const char *own_path(void)
{
	static char path[PATH_MAX];
	ssize_t n = *path ? 0 : readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n < 0 ? "" : path;
}

void mountplan_add(const struct sandbox_spec *spec, struct buf *out)
{
	static const char *const hidden[] = {
		"/root",
		"/home",
		"/run",
		"/tmp",
		"/proc",
		"/dev",
		"/boot",
		"/mnt",
		"/media",
		"/lost+found",
		"/etc/rancher",
		"/etc/kubernetes",
		"/var/lib/rancher",
		"/var/lib/kubelet",
		"/var/tmp",
	};
	struct plan p = { .out = out, .spec = spec };
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		hide(&p, hidden[i]);
	hide(&p, spec->hidden);
	hide_fuse(&p);
	bind_entries(&p, "/", 1);
	args(out, "--proc", "/proc", "--dev", "/dev", NULL);
	static const char *const scratch[] = { "/tmp", "/var/tmp", "/dev/shm", "/run" };
	for (size_t i = 0; i < ARRAY_SIZE(scratch); i++)
		args(out, "--perms", "1777", "--tmpfs", scratch[i], NULL);
	args(out, "--bind", spec->workspace, "/workspace", NULL);
	if (spec->cgroup)
		args(out, "--ro-bind", own_path(), BWRAP_KUBESIM, NULL);
	for (size_t i = 0; i < spec->mount_count; i++)
		args(out, spec->mounts[i].read_only ? "--ro-bind" : "--bind",
		     spec->mounts[i].source, spec->mounts[i].target, NULL);
	for (size_t i = 0; i < p.hidden_count; i++)
		free(p.hidden[i]);
}
