/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/logs/fetch_page.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE_MAX (4UL << 20)

/* The value of a header, up to its line's end; NULL: there is none. */
static const char *header(const char *head, const char *end, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = head; line && line < end; line = strchr(line, '\n'))
		if (strncasecmp(++line, name, len) == 0 && line[len] == ':')
			return line + len + 1;
	return NULL;
}

int fetch_page_body(const struct buf *answer, struct buf *out, struct error *e)
{
	const char *text = buf_str(answer), *end = strstr(text, "\r\n\r\n");
	int status;

	if (answer->len > PAGE_MAX)
		return error_set(e, EFBIG, "the page has more than 4 MiB");
	if (!end)
		return 0;
	if (sscanf(text, "HTTP/1.%*1[01] %3d", &status) != 1)
		return error_set(e, EPROTO, "this is no answer of HTTP/1");
	if (status != 200)
		return error_set(e, EIO, "the sidecar answers %d", status);
	const char *length = header(text, end, "Content-Length");
	if (length)
		length += strspn(length, " \t");
	if (!length || !isdigit((unsigned char)*length))
		return error_set(e, EPROTO, "the answer does not say how long it is");
	size_t body = strtoul(length, NULL, 10), at = (size_t)(end + 4 - text);
	if (answer->len - at < body)
		return body > PAGE_MAX ? error_set(e, EFBIG, "the page has %zu bytes", body) : 0;
	buf_add(out, end + 4, body);
	return buf_error(out) < 0 ? error_oom(e) : 1;
}
