/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growing byte buffer: the only string builder. Failure to allocate is sticky, so that a run of
 * appends needs one check at its end: buf_error() gives 0 or -ENOMEM. data is NUL-terminated
 * whenever it is not NULL; len does not count that NUL.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	bool failed; /* an allocation failed; the content is incomplete */
};

/* clang-format off */
#define BUF_INIT { 0 }
/* clang-format on */

void buf_done(struct buf *b);                /* frees; b is empty again */
void buf_wipe(struct buf *b);                /* the same, its memory overwritten: for secrets */
void buf_reset(struct buf *b);               /* len 0, memory and cap kept, failed cleared */
int buf_reserve(struct buf *b, size_t more); /* room for more bytes after len; 0 or -ENOMEM */
int buf_error(const struct buf *b);          /* 0 or -ENOMEM */
const char *buf_str(const struct buf *b);    /* never NULL: "" while empty; borrowed */
char *buf_steal(struct buf *b);              /* returns owned string ("" while empty), NULL: OOM */

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s); /* NULL adds nothing */
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_drop_front(struct buf *b, size_t len); /* removes the first len bytes */

/*
 * Untrusted text for a terminal: control characters (C0, DEL, C1 in UTF-8) and bytes that are no
 * UTF-8 become \xNN, a backslash becomes \\; newline and tab become \n and \t. All else as it is.
 */
void buf_add_escaped(struct buf *b, const char *s, size_t len);
/* s as a JSON string with its quotes (RFC 8259); bytes that are no UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, const char *s, size_t len);
/* s percent-encoded for one query value or path segment (RFC 3986: all but unreserved). */
void buf_add_urlencoded(struct buf *b, const char *s, size_t len);
