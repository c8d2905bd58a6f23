/* SPDX-License-Identifier: Apache-2.0 */
/* See settings.h. weaverfs alone knows names, precedence and bounds of its settings. */
#include "tools/cluster/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/beside.h"
#include "k8s/base/cleanup.h"
#include "k8s/cluster.h"
#include "tools/find.h"
#include "tools/value.h"

#define SETTINGS_NO_PROGRAM 127

static int settings_read(int fd, struct buf *out)
{
	for (;;) {
		if (buf_reserve(out, 4096) < 0)
			return -ENOMEM;
		ssize_t n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

/* Its stdout and stderr in one: it says what was asked, or what is wrong with the settings. */
static int settings_run(const char *what, const char *options, struct buf *out, struct error *e)
{
	_cleanup_(cleanup_free) char *list = strdup(options ? options : ""), *asked = strdup(what);
	char *argv[] = { (char[]){ "weaverfs" }, asked, (char[]){ "-o" }, list, NULL };
	posix_spawn_file_actions_t files;
	char program[PATH_MAX];
	int fds[2], status = 0;
	pid_t pid;

	if (!list || !asked)
		return error_oom(e);
	beside_find(argv[0], program);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, fds[1], STDERR_FILENO);
	int r = posix_spawnp(&pid, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(fds[1]);
	if (r == 0) {
		settings_read(fds[0], out);
		waitpid(pid, &status, 0);
	}
	close(fds[0]);
	if (r != 0 || (WIFEXITED(status) && WEXITSTATUS(status) == SETTINGS_NO_PROGRAM))
		return error_set(e, r ? r : ENOENT, "%s cannot be started: %s", program,
				 strerror(r ? r : ENOENT));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	buf_str(out);
	if (out->len > 0)
		out->data[strcspn(out->data, "\n")] = '\0';
	return error_set(e, EINVAL, "%s", buf_str(out));
}

static bool settings_of_mount(struct settings *s)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT, path = BUF_INIT;

	if (find_mount(&mount, NULL) < 0)
		return false;
	buf_printf(&path, "%s/.weaverfs/config", buf_str(&mount));
	if (value_read(AT_FDCWD, buf_str(&path), &s->text, NULL) < 0)
		return false;
	buf_printf(&s->from, "of the mount %s", buf_str(&mount));
	return true;
}

int settings_load(const char *options, struct settings *ret, struct error *e)
{
	struct settings s = { 0 };

	if (options || !settings_of_mount(&s)) {
		buf_reset(&s.text);
		int r = settings_run("--settings", options, &s.text, e);
		if (r < 0) {
			settings_done(&s);
			return r;
		}
		buf_add_str(&s.from, "of a mount that is made now");
	}
	*ret = s;
	return 0;
}

void settings_done(struct settings *s)
{
	buf_done(&s->text);
	buf_done(&s->from);
}

/* Of "name=value  # default": up to the last such mark, a value may hold one, too. */
static size_t settings_line_len(const char *line)
{
	size_t len = strcspn(line, "\n");

	for (size_t i = len; i > 0; i--)
		if (strncmp(line + i, "  # ", 4) == 0)
			return i;
	return len;
}

/* All of them, as -o takes them: they are stronger than what this program's environment has. */
static void settings_add_options(struct settings *s, struct buf *out)
{
	for (const char *line = buf_str(&s->text); *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		for (size_t i = 0, len = settings_line_len(line); i < len; i++) {
			if (line[i] == ',')
				buf_add_char(out, '\\');
			buf_add_char(out, line[i]);
		}
		buf_add_char(out, ',');
	}
}

int settings_pod(struct settings *s, struct buf *out, struct error *e)
{
	_cleanup_(buf_done) struct buf options = BUF_INIT;

	settings_add_options(s, &options);
	return buf_error(&options) < 0 ? error_oom(e)
				       : settings_run("--pod", buf_str(&options), out, e);
}

const char *settings_get(struct settings *s, const char *name)
{
	static char value[512];
	size_t len = strlen(name);

	for (const char *line = buf_str(&s->text); *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || line[len] != '=')
			continue;
		const char *from = line + len + 1;
		size_t value_len = settings_line_len(line) - len - 1;
		if (value_len >= sizeof(value))
			value_len = sizeof(value) - 1;
		memcpy(value, from, value_len);
		value[value_len] = '\0';
		return value;
	}
	return "";
}

int settings_cluster(struct settings *s, const char *source, struct cluster **ret, struct error *e)
{
	struct cluster_source from = { 0 };
	const char *configured = settings_get(s, "kubeconfig");

	if (source && (strchr(source, '/') || access(source, F_OK) == 0))
		from.path = source;
	else if (source)
		from.context = source;
	if (!from.path && configured[0])
		from.path = configured;
	return cluster_load(&from, ret, e);
}
