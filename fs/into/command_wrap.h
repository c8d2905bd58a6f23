/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shell around a command, and what it says of it. A server that loses its connection to the
 * container's node says Success all the same, and what was on its way then is lost without a word.
 * So the shell stays, writes a trailer to the end of each stream, and lives on for a second, that
 * nothing is torn down while something is on its way. A stream without its trailer is lost.
 *
 * A trailer: RS, the mark, " CODE BACKGROUND", RS. The mark is a UUID of this command alone, and RS
 * with it is in no argument, so the command's own output is never taken for one.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "k8s/base/buf.h"
#include "k8s/base/uuid.h"

#define COMMAND_WRAP_TRAILER_SIZE (UUID_LEN + sizeof(". 255 1."))

/* One stream; zeroed, with mark set. */
struct command_wrap {
	const char *mark; /* borrowed */
	bool complete;    /* the trailer has come; what follows is of the background */
	int exit_code;
	bool background; /* the command has left processes, which may still print */
	char held[COMMAND_WRAP_TRAILER_SIZE]; /* of what may be the trailer */
	size_t held_len;
};

/*
 * Without a terminal: `sh -c` obeys one line of its input and leaves the rest to the command. Both
 * read and printf are builtins of every shell; %b undoes the escaping.
 */
#define COMMAND_WRAP_BOOT "IFS= read -r c&&eval \"$(printf %b \"$c\")\""
void command_wrap_add_line(struct buf *out, char *const *argv, const char *mark);

/* With one: `sh -c` this, $TERM or "", the mark, and the command. */
extern const char *const command_wrap_terminal;

/*
 * What the command itself has printed: the bytes, or with a trailer near the same in out, which is
 * empty. out may fail.
 */
const char *command_wrap_strip(struct command_wrap *w, const char *bytes, size_t *len,
			       struct buf *out);
