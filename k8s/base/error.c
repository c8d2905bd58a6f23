/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are composed in a buffer on the stack and then copied, because the arguments of a message
 * are often the text of the very error it goes to. Much of a text comes from servers: whatever it
 * holds, the result is one line, and a text that is too long ends at a whole UTF-8 character.
 */
#include "k8s/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops a UTF-8 sequence that lost its end when the text was cut at len. */
static size_t whole_characters(const char *text, size_t len)
{
	size_t start = len;
	size_t need;

	while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return len;

	unsigned char lead = (unsigned char)text[start - 1];

	if (lead >= 0xf0)
		need = 4;
	else if (lead >= 0xe0)
		need = 3;
	else if (lead >= 0xc0)
		need = 2;
	else
		return len;
	return len - (start - 1) < need ? start - 1 : len;
}

static void make_one_line(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr("\r\n", text[len - 1]))
		text[--len] = '\0';
	for (char *p = strpbrk(text, "\r\n"); p; p = strpbrk(p, "\r\n"))
		*p = ' ';
}

__attribute__((format(printf, 3, 0))) static void compose(char *out, size_t size, const char *fmt,
							  va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size)
		out[whole_characters(out, size - 1)] = '\0';
}

int error_set(struct error *e, int code, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;

	if (!e)
		return -code;
	va_start(ap, fmt);
	compose(text, sizeof(text), fmt, ap);
	va_end(ap);
	make_one_line(text);
	memcpy(e->text, text, strlen(text) + 1);
	e->code = code;
	return -code;
}

int error_wrap(struct error *e, int r, const char *fmt, ...)
{
	char prefix[sizeof(e->text)];
	char reason[sizeof(e->text)];
	va_list ap;

	if (!e || r >= 0)
		return r;
	va_start(ap, fmt);
	compose(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);

	/* an error nobody described still says why */
	if (e->text[0])
		memcpy(reason, e->text, sizeof(reason));
	else
		snprintf(reason, sizeof(reason), "%s", strerrordesc_np(-r) ?: "unknown error");
	error_set(e, -r, "%s: %s", prefix, reason);
	return r;
}

int error_oom(struct error *e)
{
	return error_set(e, ENOMEM, "out of memory");
}

const char *error_name(int code)
{
	const char *name = code > 0 ? strerrorname_np(code) : NULL;

	return name ? name : "E?";
}
