/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts sh and attach: `weaver` with the directory that the script is called by. A shell and
 * not `weaver` is their interpreter: it looks where `weaver` is installed also for who has no PATH,
 * and `sh WEAVER/sh` works on a mount with noexec.
 */
#include "fs/attr/attr_handlers.h"

static int script(struct buf *out, const char *verb, struct error *e)
{
	buf_printf(out,
		   "#!/bin/sh\n"
		   "PATH=${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin dir=${0%%%s}\n"
		   "exec weaver %s \"${dir:-.}\" \"$@\"\n",
		   verb, verb);
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
