/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/record.h"

#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/log.h"

/* Names come from users: escaped, so that a line is a line. */
static void write_line(uid_t uid, pid_t pid, const char *what, const char *from, const char *to,
		       const struct error *e)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	buf_printf(&line, "%s ", what);
	buf_add_escaped(&line, from, strlen(from));
	if (to) {
		buf_add_char(&line, ' ');
		buf_add_escaped(&line, to, strlen(to));
	}
	buf_printf(&line, " by uid %u, pid %d: %s", uid, (int)pid,
		   e && e->code ? error_name(e->code) : "ok");
	if (buf_error(&line) == 0)
		log_write(LOG_LEVEL_INFO, "%s", line.data);
}

void record_done(uid_t uid, pid_t pid, const char *what, const char *weaver, const struct error *e)
{
	write_line(uid, pid, what, weaver, NULL, e);
}

void record_renamed(uid_t uid, pid_t pid, const char *from, const char *to, const struct error *e)
{
	write_line(uid, pid, "mv", from, to, e);
}
