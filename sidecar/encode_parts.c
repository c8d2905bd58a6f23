/* SPDX-License-Identifier: Apache-2.0 */
/* Members that several kinds of records have. */
#include "sidecar/encode_parts.h"

#include <string.h>

#include "k8s/base/error.h"
#include "sidecar/call_table.h"

#define HEX_MOST 520 /* the bytes of a name that is no UTF-8: 255 of them fit in */

void encode_parts_word(struct line *l, const char *s)
{
	line_text(l, "\"");
	line_raw(l, s, strlen(s));
	line_text(l, "\"");
}

void encode_parts_path(struct line *l, enum encode_path_key key, const char *path, size_t len,
		       size_t most, bool truncated)
{
	unsigned marks;

	switch (key) {
	case ENCODE_PATH:
		line_key(l, "path");
		break;
	case ENCODE_TO:
		line_key(l, "to");
		break;
	case ENCODE_TARGET:
		line_key(l, "target");
		break;
	case ENCODE_NAME:
		line_key(l, "name");
		break;
	case ENCODE_CWD:
		line_key(l, "cwd");
		break;
	}
	marks = line_tail(l, path, len, most);
	if (marks & LINE_BYTES) {
		size_t last = (HEX_MOST - 2) / 2;
		size_t skip = len > last ? len - last : 0;

		line_key(l, "bytes");
		line_hex(l, path + skip, len - skip, HEX_MOST);
	}
	line_key_true(l, "path_truncated", truncated || (marks & LINE_CUT));
}

void encode_parts_first_path(struct line *l, const struct event *ev, size_t most)
{
	size_t len;
	const char *path = event_text(ev, 0, &len);

	encode_parts_path(l, ENCODE_PATH, path, len, most, ev->flags & EVENT_PATH_TRUNCATED);
}

void encode_parts_second(struct line *l, const struct event *ev, enum encode_path_key key)
{
	size_t len;
	const char *path = event_text(ev, 1, &len);

	if (len > 0)
		encode_parts_path(l, key, path, len, ENCODE_PARTS_PATH_TWO,
				  ev->flags & EVENT_PATH2_TRUNCATED);
}

size_t encode_parts_share(const struct event *ev)
{
	return ev->text_len[1] > 0 ? ENCODE_PARTS_PATH_TWO : ENCODE_PARTS_PATH;
}

/* 0, or the name of the error: "result":"EPERM". Left out where it is not known, or as expected. */
void encode_parts_result(struct line *l, const struct event *ev, int32_t result)
{
	if (!(ev->flags & (EVENT_RESULT | EVENT_FAILED)) || result >= 0)
		return;
	const char *name = error_name(-result);

	line_key(l, "result");
	if (strcmp(name, "E?") == 0)
		line_signed(l, result);
	else
		encode_parts_word(l, name);
}

void encode_parts_call(struct line *l, const struct event *ev)
{
	bool compat = ev->flags & EVENT_COMPAT;
	const char *name = ev->syscall < 0 ? NULL : call_table_name(ev->syscall, compat);

	if (ev->syscall < 0)
		return;
	line_key(l, "syscall");
	if (name) {
		encode_parts_word(l, name);
	} else {
		line_text(l, "\"");
		line_signed(l, ev->syscall);
		line_text(l, "\"");
	}
}

void encode_parts_fd(struct line *l, int32_t fd)
{
	if (fd >= 0)
		line_key_signed(l, "fd", fd);
}
