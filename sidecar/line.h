/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON line (RFC 8259) under construction, in memory of a fixed size: no allocation, no check
 * for errors at each field. Container runtimes split lines from 16 KiB on, and what follows them
 * from 8 KiB: no line reaches LINE_MAX_BYTES, newline included. Strings are given a share of it
 * (`most`); what does not fit in is cut, never the line's syntax.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LINE_MAX_BYTES 8191
#define LINE_ROOM 512 /* kept free of strings, for numbers, names and brackets */

struct line {
	size_t len;
	bool comma; /* a value stands before: the next one needs a comma */
	bool full;  /* something did not fit in: a bug in the shares given to strings */
	char bytes[LINE_MAX_BYTES + 1];
};

static inline void line_raw(struct line *l, const char *bytes, size_t len)
{
	if (len > LINE_MAX_BYTES - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->bytes + l->len, bytes, len);
	l->len += len;
}
/* A literal alone. */
#define line_text(l, literal) line_raw(l, "" literal, sizeof(literal) - 1)

/* A literal alone: ,"key": and the value is to follow. */
#define line_key(l, literal)                                                                       \
	do {                                                                                       \
		if ((l)->comma)                                                                    \
			line_raw(l, ",\"" literal "\":", sizeof(literal) + 3);                     \
		else                                                                               \
			line_raw(l, "\"" literal "\":", sizeof(literal) + 2);                      \
		(l)->comma = true;                                                                 \
	} while (0)
#define line_open(l, bracket)                                                                      \
	do {                                                                                       \
		line_text(l, bracket);                                                             \
		(l)->comma = false;                                                                \
	} while (0)
#define line_shut(l, bracket)                                                                      \
	do {                                                                                       \
		line_text(l, bracket);                                                             \
		(l)->comma = true;                                                                 \
	} while (0)
/* Between the values of an array. */
static inline void line_comma(struct line *l)
{
	if (l->comma)
		line_text(l, ",");
	l->comma = true;
}

void line_unsigned(struct line *l, uint64_t value);
void line_signed(struct line *l, int64_t value);
#define line_key_unsigned(l, key, value)                                                           \
	do {                                                                                       \
		line_key(l, key);                                                                  \
		line_unsigned(l, value);                                                           \
	} while (0)
#define line_key_signed(l, key, value)                                                             \
	do {                                                                                       \
		line_key(l, key);                                                                  \
		line_signed(l, value);                                                             \
	} while (0)
/* Only where it is so. */
#define line_key_true(l, key, value)                                                               \
	do {                                                                                       \
		if (value) {                                                                       \
			line_key(l, key);                                                          \
			line_text(l, "true");                                                      \
		}                                                                                  \
	} while (0)

/* What line_string() and line_tail() had to do to a string. */
#define LINE_CUT 1U   /* it was longer than its share */
#define LINE_BYTES 2U /* it was no UTF-8: such bytes became U+FFFD */

/*
 * s with its quotes in at most `most` bytes of output. Control characters (C0, DEL, C1) are escaped
 * so that a terminal shows them; bytes that are no UTF-8 become U+FFFD. Returns LINE_ bits.
 */
unsigned line_string(struct line *l, const char *s, size_t len, size_t most);
/* The same; of what is too long the end is kept, as of paths. */
unsigned line_tail(struct line *l, const char *s, size_t len, size_t most);
/* "6f6b": what line_string() could not say, for at most `most` bytes of output. */
void line_hex(struct line *l, const char *s, size_t len, size_t most);
/* Output bytes that strings may still take. */
static inline size_t line_room(const struct line *l)
{
	return l->len + LINE_ROOM < LINE_MAX_BYTES ? LINE_MAX_BYTES - LINE_ROOM - l->len : 0;
}
