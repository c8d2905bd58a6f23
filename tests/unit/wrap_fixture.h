/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of fs/into/command_wrap.h. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "k8s/base/uuid.h"
#include "ws_fixture.h"

static char wrap_mark[UUID_LEN + 1]; /* of the last line */

/* Takes the line that the shell obeys: what it runs, `exec` and the arguments, into said. */
static inline void wrap_take_line(struct ws_peer *p, char *said, size_t size)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	ws_peer_receive(p, &b);
	const char *line = buf_str(&b) + 1;
	const char *begin = strstr(line, "(exec "), *end = strstr(line, ") 2>&3");
	assert_non_null(begin);
	assert_non_null(end);
	assert_int_equal(sscanf(line, "m=%36[0-9a-f-];", wrap_mark), 1);
	snprintf(said, size, "%.*s", (int)(end - begin - 1), begin + 1);
}

static inline void wrap_say_trailer(struct ws_peer *p, int stream, int code, int background)
{
	char text[64];

	snprintf(text, sizeof(text), "\036%s %d %d\036", wrap_mark, code, background);
	ws_peer_say(p, stream, text);
}
