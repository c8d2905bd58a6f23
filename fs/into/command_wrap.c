/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell's own words (of a command that was killed) go nowhere, those of the exec that fails to
 * the user. What is left in the background is sought among the processes that are younger than the
 * shell, by their session: fields of proc(5) after the name, 1 the state and 4 the session.
 */
#include "fs/into/command_wrap.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_WRAP_RS '\036'
/* Long enough to be delivered under load; nobody waits for it, see command_done(). */
#define COMMAND_WRAP_LINGER "exec sleep 1 2>/dev/null"

#define COMMAND_WRAP_BEGIN "echo $$;exec 3>&2 2>/dev/null;(exec"
/* In a line, with its backslashes doubled. */
#define COMMAND_WRAP_END                                                                           \
	") 2>&3 3>&-;r=$? b=0;for p in /proc/[0-9]*;do [ ${p#/proc/} -gt $$ ]&&"                   \
	"read -r l<$p/stat||continue;set -- ${l##*) };[ $4 = $$ ]&&[ $1 != Z ]&&b=1;done;"         \
	"e(){ printf '\\\\036%s %d %d\\\\036' $m $r $b;};e;e>&3;" COMMAND_WRAP_LINGER "\n"

/* A terminal's signals are the command's to obey: caught, not ignored, they are its default. */
const char *const command_wrap_terminal =
	"echo $$;TERM=${0:-$TERM};export TERM;m=$1;shift;trap : INT QUIT;(exec \"$@\");"
	"printf '\\036%s %d 0\\036' $m $?;" COMMAND_WRAP_LINGER;

/* ---- the line ---- */

/* One character for printf %b in a line: no newline and no lone backslash. */
static void command_wrap_add_escaped(struct buf *out, char c)
{
	if (c == '\n')
		buf_add_str(out, "\\n");
	else if (c == '\\')
		buf_add_str(out, "\\\\");
	else
		buf_add_char(out, c);
}

/* 'it'\''s' */
static void command_wrap_add_quoted(struct buf *out, const char *arg)
{
	buf_add_str(out, " '");
	for (const char *p = arg; *p; p++) {
		if (*p == '\'')
			buf_add_str(out, "'\\\\''");
		else
			command_wrap_add_escaped(out, *p);
	}
	buf_add_char(out, '\'');
}

void command_wrap_add_line(struct buf *out, char *const *argv, const char *mark)
{
	buf_printf(out, "m=%s;" COMMAND_WRAP_BEGIN, mark);
	for (char *const *arg = argv; *arg; arg++)
		command_wrap_add_quoted(out, *arg);
	buf_add_str(out, COMMAND_WRAP_END);
}

/* ---- the trailer ---- */

/* Whether the held bytes may be the beginning of one. */
static bool command_wrap_may_be(const struct command_wrap *w)
{
	const char *rest = w->held + 1;
	size_t n = w->held_len - 1;

	if (n <= UUID_LEN)
		return memcmp(rest, w->mark, n) == 0;
	for (size_t i = UUID_LEN; i < n; i++)
		if (rest[i] != ' ' && (rest[i] < '0' || rest[i] > '9') &&
		    (rest[i] != COMMAND_WRAP_RS || i + 1 != n))
			return false;
	return w->held_len < sizeof(w->held);
}

static bool command_wrap_read(struct command_wrap *w)
{
	int background, end = 0;

	w->held[w->held_len] = '\0';
	if (sscanf(w->held + 1 + UUID_LEN, " %d %d\036%n", &w->exit_code, &background, &end) != 2 ||
	    end == 0)
		return false;
	w->background = background;
	return true;
}

/* One that follows an RS, and belongs to the trailer or shows that there is none. */
static void command_wrap_take(struct command_wrap *w, char c, struct buf *out)
{
	w->held[w->held_len++] = c;
	bool end = w->held_len > 1 && c == COMMAND_WRAP_RS;
	bool good = command_wrap_may_be(w);
	if (good && !end)
		return;
	w->complete = good && command_wrap_read(w);
	/* What ends it otherwise may begin one. */
	size_t kept = end && !w->complete;
	if (!w->complete)
		buf_add(out, w->held, w->held_len - kept);
	w->held[0] = c;
	w->held_len = kept;
}

const char *command_wrap_strip(struct command_wrap *w, const char *bytes, size_t *len,
			       struct buf *out)
{
	size_t i = 0;

	if (w->complete || (w->held_len == 0 && !memchr(bytes, COMMAND_WRAP_RS, *len)))
		return bytes;
	while (i < *len && !w->complete) {
		const char *rs = memchr(bytes + i, COMMAND_WRAP_RS, *len - i);
		size_t plain = (rs ? (size_t)(rs - bytes) : *len) - i;
		if (w->held_len == 0) {
			buf_add(out, bytes + i, plain);
			i += plain;
		}
		if (i < *len)
			command_wrap_take(w, bytes[i++], out);
	}
	buf_add(out, bytes + i, *len - i);
	*len = out->len;
	return buf_str(out);
}
