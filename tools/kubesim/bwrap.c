/* SPDX-License-Identifier: Apache-2.0 */
/* See bwrap.h. */
#include "tools/kubesim/bwrap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/write.h"
#include "tools/kubesim/mountplan.h"

static void arg(struct buf *out, const char *s)
{
	buf_add(out, s, strlen(s) + 1);
}

static void options_add(const struct sandbox_spec *spec, struct buf *out)
{
	static const char *const fixed[] = { "--unshare-pid", "--unshare-ipc",     "--unshare-uts",
					     "--as-pid-1",    "--die-with-parent", "--clearenv" };
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		arg(out, fixed[i]);
	if (spec->private_network)
		arg(out, "--unshare-net");
	arg(out, "--hostname");
	arg(out, spec->hostname);
	if (geteuid() != 0) {
		arg(out, "--unshare-user");
	} else if (spec->uid == 0) {
		arg(out, "--cap-drop");
		arg(out, "ALL");
		for (size_t i = 0; spec->capabilities && spec->capabilities[i]; i++) {
			char name[64];
			snprintf(name, sizeof(name), "CAP_%s", spec->capabilities[i]);
			arg(out, "--cap-add");
			arg(out, name);
		}
	}
	mountplan_add(spec, out);
	if (strncmp(spec->cwd, "/workspace", 10) == 0 || strncmp(spec->cwd, "/tmp", 4) == 0) {
		arg(out, "--dir");
		arg(out, spec->cwd);
	}
	arg(out, "--chdir");
	arg(out, spec->cwd);
	for (size_t i = 0; spec->env[i]; i++) {
		char *copy = strdup(spec->env[i]);
		char *equals = copy ? strchr(copy, '=') : NULL;
		if (equals) {
			*equals = '\0';
			arg(out, "--setenv");
			arg(out, copy);
			arg(out, equals + 1);
		}
		free(copy);
	}
}

int bwrap_args_fd(const struct sandbox_spec *spec)
{
	_cleanup_(buf_done) struct buf args = BUF_INIT;
	if (!spec->join)
		options_add(spec, &args);
	if (buf_error(&args))
		return -1;
	int fd = memfd_create("bwrap-args", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write_all(fd, args.data, args.len) < 0) {
		close(fd);
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

struct words {
	char **argv;
	size_t count;
};

static void words_add(struct words *w, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count && list[i]; i++)
		w->argv[w->count++] = (char *)(uintptr_t)list[i];
}

static void bounding_set(const struct sandbox_spec *spec, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "--bounding-set=-all");
	for (size_t i = 0; spec->capabilities && spec->capabilities[i] && n < size; i++) {
		n += (size_t)snprintf(out + n, size - n, ",+%s", spec->capabilities[i]);
		for (char *p = out; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	}
}

/*
 * Returns an owned array of borrowed words: bwrap …, setpriv …, the command. A joined command gets
 * its environment from env(1), since nsenter hands on its own.
 */
char **bwrap_argv_new(const struct sandbox_spec *spec, char (*ids)[BWRAP_WORD])
{
	size_t room = 40;
	for (size_t i = 0; spec->argv[i]; i++)
		room++;
	for (size_t i = 0; spec->env[i]; i++)
		room++;
	struct words w = { calloc(room, sizeof(char *)), 0 };
	if (!w.argv)
		return NULL;
	snprintf(ids[0], BWRAP_WORD, "--reuid=%u", spec->uid);
	snprintf(ids[1], BWRAP_WORD, "--regid=%u", spec->gid);
	bounding_set(spec, ids[4], BWRAP_WORD);
	snprintf(ids[2], BWRAP_WORD, "--target=%d", spec->join);
	snprintf(ids[3], BWRAP_WORD, "--wdns=%s", spec->cwd);
	const char *head[] = { "bwrap", "--args", "3", "--info-fd", "4", "--" };
	const char *join[] = { "nsenter", ids[2],  ids[3],  "--mount", "--net",
			       "--uts",   "--ipc", "--pid", "--" };
	const char *drop[] = { "setpriv",
			       ids[0],
			       ids[1],
			       "--clear-groups",
			       "--no-new-privs",
			       "--bounding-set=-all",
			       "--inh-caps=-all",
			       "--" };
	/* Root in a joined container is bounded as bwrap bounds the container itself. */
	const char *keep[] = { "setpriv", "--no-new-privs", ids[4], "--inh-caps=-all", "--" };
	static const char *const env[] = { "env", "-i" };
	static const char *const enter[] = { BWRAP_KUBESIM, CGROUP_JOIN };
	/* Job control, and whoever ends a group, need the session's leader inside the namespace. */
	static const char *const session[] = { "setsid", "--ctty" };
	words_add(&w, spec->join ? join : head, spec->join ? ARRAY_SIZE(join) : ARRAY_SIZE(head));
	if (spec->tty || spec->join)
		words_add(&w, session, spec->tty ? 2 : 1);
	if (geteuid() == 0 && spec->uid != 0)
		words_add(&w, drop, ARRAY_SIZE(drop));
	else if (geteuid() == 0 && spec->join)
		words_add(&w, keep, ARRAY_SIZE(keep));
	if (spec->join) {
		words_add(&w, env, ARRAY_SIZE(env));
		words_add(&w, (const char *const *)spec->env, room);
	}
	if (spec->cgroup)
		words_add(&w, enter, ARRAY_SIZE(enter));
	words_add(&w, (const char *const *)spec->argv, room);
	return w.argv;
}
