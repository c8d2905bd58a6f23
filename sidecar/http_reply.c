/* SPDX-License-Identifier: Apache-2.0 */
/* Parsed anew each time bytes have come: replies are a few hundred bytes. */
#include "sidecar/http_reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_reply_done(struct http_reply *r)
{
	buf_done(&r->in);
	buf_done(&r->body);
}

struct head {
	int64_t length; /* -1: not said */
	bool chunked;
};

static bool is_field(const char *line, const char *name, const char **ret_value)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	*ret_value = line + n + 1;
	*ret_value += strspn(*ret_value, " \t");
	return true;
}

static int parse_field(struct http_reply *r, const char *line, struct head *h)
{
	const char *value;
	char *end;

	if (is_field(line, "Content-Length", &value)) {
		h->length = strtoll(value, &end, 10);
		if (!isdigit((unsigned char)*value) || h->length > HTTP_REPLY_MAX)
			return -EPROTO;
	} else if (is_field(line, "Transfer-Encoding", &value)) {
		h->chunked = strncasecmp(value, "chunked", 7) == 0;
		if (!h->chunked)
			return -EPROTO;
	} else if (is_field(line, "Connection", &value)) {
		r->close |= strncasecmp(value, "close", 5) == 0;
	} else if (is_field(line, "Retry-After", &value) && isdigit((unsigned char)*value)) {
		long seconds = strtol(value, &end, 10); /* a date is not worth a parser */
		r->retry_after_s = seconds > 3600 ? 3600 : (int)seconds;
	}
	return 0;
}

static void keep(struct http_reply *r, const char *bytes, size_t len)
{
	size_t room = HTTP_REPLY_BODY_MAX - r->body.len;

	buf_add(&r->body, bytes, len < room ? len : room);
}

static int parse_chunks(struct http_reply *r, const char *at, const char *end)
{
	for (;;) {
		const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
		char *stop;

		if (!line)
			return end - at > 64 ? -EPROTO : 0;
		unsigned long n = strtoul(at, &stop, 16);
		if (stop == at || !isxdigit((unsigned char)*at) || n > HTTP_REPLY_MAX)
			return -EPROTO;
		at = line + 2;
		if (n == 0) /* trailers end with an empty line */
			return end - at >= 2 && (memcmp(at, "\r\n", 2) == 0 ||
						 memmem(at, (size_t)(end - at), "\r\n\r\n", 4));
		if ((size_t)(end - at) < n + 2)
			return 0;
		keep(r, at, n);
		at += n + 2;
	}
}

static int parse_body(struct http_reply *r, const char *at, const char *end, const struct head *h,
		      bool closed)
{
	if (h->chunked)
		return parse_chunks(r, at, end);
	if (r->status == 204 || r->status == 304)
		return 1;
	if (h->length < 0) {
		r->close = true;
		keep(r, at, (size_t)(end - at));
		return closed;
	}
	if (end - at < h->length)
		return 0;
	keep(r, at, (size_t)h->length);
	return 1;
}

int http_reply_parse(struct http_reply *r, bool closed)
{
	const char *at = buf_str(&r->in), *end = at + r->in.len;
	const char *body = memmem(at, r->in.len, "\r\n\r\n", 4);
	struct head h = { .length = -1 };

	r->close = false;
	r->retry_after_s = 0;
	buf_reset(&r->body);
	if (r->in.len > HTTP_REPLY_MAX)
		return -EPROTO;
	if (!body)
		return r->in.len > 32768 || (r->in.len >= 5 && memcmp(at, "HTTP/", 5) != 0)
			       ? -EPROTO
			       : 0;
	if (strncmp(at, "HTTP/1.", 7) != 0 || at[8] != ' ' || !isdigit((unsigned char)at[9]))
		return -EPROTO;
	r->close = at[7] == '0';
	r->status = (int)strtol(at + 9, NULL, 10);
	while ((at = memmem(at, (size_t)(body - at), "\r\n", 2))) {
		at += 2;
		int n = parse_field(r, at, &h);
		if (n < 0)
			return n;
	}
	body += 4;
	if (r->status >= 100 && r->status < 200) { /* 100 Continue: the reply comes behind it */
		buf_drop_front(&r->in, (size_t)(body - buf_str(&r->in)));
		return http_reply_parse(r, closed);
	}
	return parse_body(r, body, end, &h, closed);
}
