/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts sh and attach: `weaver` with the directory that the script is called by. A shell and
 * not `weaver` is their interpreter: it looks where `weaver` is installed also for who has no PATH,
 * and `sh WEAVER/sh` works on a mount with noexec.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "k8s/base/beside.h"

/* ":" and the directory of the `weaver` that is beside this program, which a build tree and NixOS have elsewhere. */
static char beside[1 + PATH_MAX];

static void find_beside(void)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._+-"; /* to the shell no more than a word */
	char path[PATH_MAX];

	if (!beside_find("weaver", path))
		return;
	/* With its slash: of "/" nothing would be left, which in PATH is the caller's directory. */
	strrchr(path, '/')[1] = '\0';
	if (path[strspn(path, plain)] == '\0')
		snprintf(beside, sizeof(beside), ":%s", path);
}

static int script(struct buf *out, const char *verb, struct error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_beside);
	buf_printf(out,
		   "#!/bin/sh\n"
		   "PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin%s dir=${0%%%s}\n"
		   "exec weaver %s \"${dir:-.}\" \"$@\"\n",
		   beside, verb, verb);
	return attr_done(out, e);
}

int sh_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	(void)w;
	return script(out, "sh", e);
}

int attach_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	(void)w;
	return script(out, "attach", e);
}
