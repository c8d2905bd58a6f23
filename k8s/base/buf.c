/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer grows by doubling and always keeps one byte for the NUL. Once an allocation has
 * failed nothing more is added until buf_reset() or buf_done(): half a document is worse than none.
 */
#include "k8s/base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/utf8.h"

#define BUF_MIN 64

static const char hex_upper[] = "0123456789ABCDEF";
static const char hex_lower[] = "0123456789abcdef";

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

int buf_reserve(struct buf *b, size_t more)
{
	size_t need;
	size_t cap = b->cap ? b->cap : BUF_MIN;

	if (b->failed)
		return -ENOMEM;
	if (__builtin_add_overflow(b->len, more, &need) || need >= PTRDIFF_MAX) {
		b->failed = true;
		return -ENOMEM;
	}
	if (need < b->cap)
		return 0;
	while (cap <= need)
		cap *= 2;

	char *data = realloc(b->data, cap);

	if (!data) {
		b->failed = true;
		return -ENOMEM;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int buf_error(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *s = NULL;

	if (buf_reserve(b, 0) == 0) {
		s = b->data;
		b->data = NULL;
	}
	buf_done(b);
	return s;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || buf_reserve(b, len) < 0)
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
	if (s)
		buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	if (b->failed)
		return;
	va_copy(again, ap);

	int n = vsnprintf(NULL, 0, fmt, again);

	va_end(again);
	if (n < 0) {
		b->failed = true; /* glibc: only out of memory, or more than INT_MAX characters */
		return;
	}
	if (buf_reserve(b, (size_t)n) < 0)
		return;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_drop_front(struct buf *b, size_t len)
{
	if (len == 0 || b->len == 0)
		return;
	if (len > b->len)
		len = b->len;
	b->len -= len;
	memmove(b->data, b->data + len, b->len + 1);
}

static void add_hex(struct buf *b, const char *prefix, unsigned char c, const char *digits)
{
	buf_add_str(b, prefix);
	buf_add_char(b, digits[c >> 4]);
	buf_add_char(b, digits[c & 15]);
}

static bool is_control(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];

	if (n == 1)
		return c < 0x20 || c == 0x7f;
	return n == 2 && c == 0xc2 && (unsigned char)s[1] <= 0x9f; /* C1 */
}

void buf_add_escaped(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);

		if (s[i] == '\n') {
			buf_add(b, "\\n", 2);
		} else if (s[i] == '\t') {
			buf_add(b, "\\t", 2);
		} else if (s[i] == '\\') {
			buf_add(b, "\\\\", 2);
		} else if (n > 0 && !is_control(s + i, n)) {
			buf_add(b, s + i, n);
		} else {
			n = n ? n : 1;
			for (size_t k = 0; k < n; k++)
				add_hex(b, "\\x", (unsigned char)s[i + k], hex_upper);
		}
		i += n;
	}
}

static void add_json_ascii(struct buf *b, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *p = c ? strchr(from, c) : NULL;

	if (p) {
		buf_add_char(b, '\\');
		buf_add_char(b, to[p - from]);
	} else if ((unsigned char)c < 0x20) {
		add_hex(b, "\\u00", (unsigned char)c, hex_lower);
	} else {
		buf_add_char(b, c);
	}
}

void buf_add_json(struct buf *b, const char *s, size_t len)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(s + i, len - i);

		if (n == 1)
			add_json_ascii(b, s[i]);
		else if (n > 1)
			buf_add(b, s + i, n);
		else
			buf_add_str(b, "\xef\xbf\xbd"); /* U+FFFD */
		i += n ? n : 1;
	}
	buf_add_char(b, '"');
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void buf_add_urlencoded(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_unreserved(s[i]))
			buf_add_char(b, s[i]);
		else
			add_hex(b, "%", (unsigned char)s[i], hex_upper);
	}
}
