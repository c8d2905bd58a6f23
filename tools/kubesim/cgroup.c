/* SPDX-License-Identifier: Apache-2.0 */
/* See cgroup.h. */
#include "tools/kubesim/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"

#define CGROUP_PATH 512

struct cgroup {
	int procs[CGROUP_TREES]; /* cgroup.procs, -1: not in this tree */
	char path[CGROUP_TREES][CGROUP_PATH];
	int runtime_procs; /* of the cgroup of what makes the sandbox, in v2 alone */
	char runtime[CGROUP_PATH];
};

static char bases[CGROUP_TREES][CGROUP_PATH]; /* "": no such tree */

static int file_write(const char *dir, const char *name, const char *text)
{
	char path[CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	_cleanup_(cleanup_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static size_t file_read(const char *dir, const char *name, char *out, size_t size)
{
	char path[CGROUP_PATH + 64];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	_cleanup_(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);
	n = n < 0 ? 0 : n;
	out[n] = '\0';
	return (size_t)n;
}

static void kill_by_list(const char *dir)
{
	char text[16384];
	for (int round = 0; round < 20 && file_read(dir, "cgroup.procs", text, sizeof(text));
	     round++) {
		char *rest = text, *line;
		while ((line = strsep(&rest, "\n")))
			if (line[0])
				kill(atoi(line), SIGKILL);
		usleep(1000);
	}
}

/* Kills what runs in dir and below, removes it all. Kernel files cannot be unlinked: only rmdir. */
static void tree_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	while (d && (entry = readdir(d))) {
		char path[CGROUP_PATH + 300];
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		tree_remove(path);
	}
	if (d)
		closedir(d);
	for (int i = 0; i < 50 && rmdir(dir) < 0 && errno == EBUSY; i++) {
		kill_by_list(dir);
		usleep(2000);
	}
}

/* A zombie whose parent does not reap it counts as dead: it has no executable any more. */
static bool process_dead(int pid)
{
	char path[64], target[8];
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, target, sizeof(target)) < 0 && errno == ENOENT;
}

static void stale_remove(const char *root)
{
	DIR *d = opendir(root);
	struct dirent *entry;
	while (d && (entry = readdir(d))) {
		char path[CGROUP_PATH + 300];
		int pid;
		if (sscanf(entry->d_name, "kubesim-%d", &pid) != 1 || !process_dead(pid))
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
		tree_remove(path);
	}
	if (d)
		closedir(d);
}

void cgroup_init(void)
{
	static const char *const roots[][CGROUP_TREES] = {
		{ "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory" },
		{ "/sys/fs/cgroup", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		struct statfs fs;
		if (statfs(roots[i][0], &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue;
		for (int t = 0; t < CGROUP_TREES; t++) {
			if (!roots[i][t][0] || access(roots[i][t], W_OK) < 0)
				continue;
			stale_remove(roots[i][t]);
			snprintf(bases[t], CGROUP_PATH, "%s/kubesim-%d", roots[i][t], getpid());
			if (mkdir(bases[t], 0755) < 0 && errno != EEXIST)
				bases[t][0] = '\0';
		}
		file_write(roots[i][0], "cgroup.subtree_control", "+memory");
		break;
	}
	if (bases[0][0])
		file_write(bases[0], "cgroup.subtree_control", "+memory");
}

void cgroup_done(void)
{
	for (int t = 0; t < CGROUP_TREES; t++)
		if (bases[t][0])
			tree_remove(bases[t]);
}

static void limit_set(const struct cgroup *c, int64_t memory_bytes)
{
	char text[32];
	snprintf(text, sizeof(text), "%lld", (long long)memory_bytes);
	if (c->procs[0] >= 0 && file_write(c->path[0], "memory.max", text) == 0)
		file_write(c->path[0], "memory.swap.max", "0");
	if (c->procs[1] >= 0)
		file_write(c->path[1], "memory.limit_in_bytes", text);
}

static void runtime_new(struct cgroup *c, const char *id)
{
	char procs[CGROUP_PATH + 16];

	snprintf(c->runtime, CGROUP_PATH, "%.400s/runtime-%s", bases[0], id);
	mkdir(c->runtime, 0755);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", c->runtime);
	c->runtime_procs = open(procs, O_WRONLY | O_CLOEXEC);
}

struct cgroup *cgroup_new(const char *pod_uid, const char *id, int64_t memory_bytes)
{
	if (!bases[0][0])
		return NULL;
	struct cgroup *c = calloc(1, sizeof(*c));
	for (int t = 0; c && t < CGROUP_TREES; t++) {
		char pod[CGROUP_PATH], procs[CGROUP_PATH + 16];
		c->procs[t] = -1;
		if (!bases[t][0])
			continue;
		snprintf(pod, sizeof(pod), "%.400s/pod%s", bases[t], pod_uid);
		if (mkdir(pod, 0755) == 0)
			file_write(pod, "cgroup.subtree_control", "+memory");
		snprintf(c->path[t], CGROUP_PATH, "%.400s/%s", pod, id);
		mkdir(c->path[t], 0755);
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", c->path[t]);
		c->procs[t] = open(procs, O_WRONLY | O_CLOEXEC);
	}
	if (c)
		runtime_new(c, id);
	if (c && memory_bytes > 0)
		limit_set(c, memory_bytes);
	return c;
}

void cgroup_free(struct cgroup *c)
{
	if (!c)
		return;
	cgroup_kill(c);
	for (int t = 0; t < CGROUP_TREES; t++) {
		if (c->procs[t] >= 0)
			close(c->procs[t]);
		if (c->path[t][0])
			tree_remove(c->path[t]);
	}
	cleanup_close(&c->runtime_procs);
	tree_remove(c->runtime);
	free(c);
}

void cgroup_remove_pod(const char *pod_uid)
{
	for (int t = 0; t < CGROUP_TREES; t++) {
		char pod[CGROUP_PATH];
		snprintf(pod, sizeof(pod), "%.400s/pod%s", bases[t], pod_uid);
		if (bases[t][0])
			rmdir(pod);
	}
}

/* Copies come first: what is passed on may have one of the numbers. */
void cgroup_enter(const struct cgroup *c)
{
	int copies[CGROUP_TREES];

	/* Where that fails the parent's death signal still ends it. */
	ssize_t n = c && c->runtime_procs >= 0 ? write(c->runtime_procs, "0", 1) : 0;
	(void)n;
	for (int t = 0; t < CGROUP_TREES; t++)
		copies[t] = c && c->procs[t] >= 0 ? fcntl(c->procs[t], F_DUPFD, 20) : -1;
	for (int t = 0; t < CGROUP_TREES; t++)
		if (copies[t] < 0 || dup2(copies[t], CGROUP_JOIN_FD + t) < 0)
			close(CGROUP_JOIN_FD + t);
}

_Noreturn void cgroup_join(char **argv)
{
	for (int fd = CGROUP_JOIN_FD; fd < CGROUP_JOIN_FD + CGROUP_TREES; fd++) {
		if (write(fd, "0", 1) < 0 && errno != EBADF)
			fprintf(stderr, "kubesim: the pod's cgroup: %s\n", strerror(errno));
		close(fd);
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "kubesim: %s: %s\n", argv[2], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void kill_all(int procs, const char *dir)
{
	if (procs >= 0 && file_write(dir, "cgroup.kill", "1") < 0)
		kill_by_list(dir);
}

void cgroup_kill(const struct cgroup *c)
{
	if (!c)
		return;
	kill_all(c->runtime_procs, c->runtime);
	kill_all(c->procs[0], c->path[0]);
}

static int64_t counter(const char *dir, const char *file, const char *key)
{
	char text[1024];
	file_read(dir, file, text, sizeof(text));
	const char *at = strstr(text, key);
	return at ? atoll(at + strlen(key)) : 0;
}

bool cgroup_oom_killed(const struct cgroup *c)
{
	if (!c)
		return false;
	return (c->procs[0] >= 0 && counter(c->path[0], "memory.events", "oom_kill ") > 0) ||
	       (c->procs[1] >= 0 && counter(c->path[1], "memory.oom_control", "oom_kill ") > 0);
}
