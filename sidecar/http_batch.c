/* SPDX-License-Identifier: Apache-2.0 */
/* A line is a JSON object already: the body is made by putting commas between them. */
#include "sidecar/http_batch.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/error.h"

void http_batch_done(struct http_batch *b)
{
	buf_done(&b->lines);
	buf_done(&b->body);
}

void http_batch_reset(struct http_batch *b, uint64_t from)
{
	buf_reset(&b->lines);
	b->from = b->to = from;
	b->lines_count = b->count = 0;
}

void http_batch_add(struct http_batch *b, const char *bytes, size_t len, uint32_t most)
{
	const char *at = bytes, *end = bytes + len, *newline;

	while (b->lines_count < most && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		at = newline + 1;
		b->lines_count++;
	}
	buf_add(&b->lines, bytes, (size_t)(at - bytes));
	b->to += (uint64_t)(at - bytes);
}

void http_batch_cut(struct http_batch *b, uint32_t most)
{
	const char *at = buf_str(&b->lines), *end = at + b->lines.len;

	for (b->lines_count = 0; b->lines_count < most && at < end; b->lines_count++)
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
	b->lines.len = (size_t)(at - b->lines.data);
	b->to = b->from + b->lines.len;
}

static bool is_own(const char *line, size_t len)
{
	return memmem(line, len, "\"event_type\":\"audit_", 20);
}

int http_batch_build(struct http_batch *b, const char *weaver_id, const char *org_id, bool strict,
		     struct error *e)
{
	const char *at = buf_str(&b->lines), *end = at + b->lines.len, *newline;

	buf_reset(&b->body);
	b->count = 0;
	buf_add_str(&b->body, "{\"weaver_id\":");
	buf_add_json(&b->body, weaver_id, strlen(weaver_id));
	buf_add_str(&b->body, ",\"org_id\":");
	buf_add_json(&b->body, org_id, strlen(org_id));
	buf_add_str(&b->body, ",\"events\":[");
	for (; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
		size_t len = (size_t)(newline - at);

		if (strict && is_own(at, len))
			continue;
		if (b->count++)
			buf_add_char(&b->body, ',');
		buf_add(&b->body, at, len);
	}
	buf_add_str(&b->body, "]}");
	if (buf_error(&b->body) || buf_error(&b->lines))
		return error_oom(e);
	return 0;
}

uint64_t http_batch_rejected(const char *reply)
{
	const char *at = strstr(reply, "\"rejected\"");

	if (!at)
		return 0;
	at += strlen("\"rejected\"");
	at += strspn(at, " \t\r\n:");
	return strtoull(at, NULL, 10);
}
