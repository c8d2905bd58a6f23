/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings are copied in runs of bytes that need nothing; a table of 256 says which those are. Only
 * at another byte is the character looked at. Names of files are bytes to the kernel and text to
 * JSON: the difference is marked (LINE_BYTES), and the caller gives the bytes as hex beside it.
 */
#include "sidecar/line.h"

#include "k8s/base/utf8.h"

static const char hex[] = "0123456789abcdef";

/* clang-format off */
/* 0: as it is; 1: look closer. Printable ASCII but " and \ is as it is. */
static const unsigned char special[256] = {
	[0 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1, [0x7f ... 0xff] = 1,
};
/* clang-format on */

void line_unsigned(struct line *l, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	line_raw(l, digits + at, sizeof(digits) - at);
}

void line_signed(struct line *l, int64_t value)
{
	if (value < 0)
		line_text(l, "-");
	line_unsigned(l, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* How one character looks in JSON: out, its length in *ret_out; returns the bytes of s it took. */
static size_t character(const char *s, size_t len, char out[6], size_t *ret_out, unsigned *marks)
{
	unsigned char c = (unsigned char)s[0];
	size_t n = utf8_length(s, len);
	/* U+0080 to U+009F, which terminals obey, are C2 80 to C2 9F. */
	bool c1 = n == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;

	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		*ret_out = 2;
	} else if (n == 0) {
		memcpy(out, "\xef\xbf\xbd", 3);
		*ret_out = 3;
		*marks |= LINE_BYTES;
		return 1;
	} else if (c < 0x20 || c == 0x7f || c1) {
		unsigned char code = c1 ? (unsigned char)s[1] : c;
		memcpy(out, "\\u00", 4);
		out[4] = hex[code >> 4];
		out[5] = hex[code & 15];
		*ret_out = 6;
	} else {
		memcpy(out, s, n);
		*ret_out = n;
	}
	return n;
}

/* Quotes are not counted in most. Returns how many bytes of s went in. */
static size_t put(struct line *l, const char *s, size_t len, size_t most, unsigned *marks)
{
	size_t i = 0;

	while (i < len) {
		size_t run = i;
		size_t end = len - i > most ? i + most : len;

		while (run < end && !special[(unsigned char)s[run]])
			run++;
		line_raw(l, s + i, run - i);
		most -= run - i;
		i = run;
		if (i == end)
			break;

		char out[6];
		size_t n, took = character(s + i, len - i, out, &n, marks);

		if (n > most)
			break;
		line_raw(l, out, n);
		most -= n;
		i += took;
	}
	return i;
}

static size_t share(const struct line *l, size_t most)
{
	size_t room = line_room(l);

	most = most < room ? most : room;
	return most > 2 ? most - 2 : 0;
}

unsigned line_string(struct line *l, const char *s, size_t len, size_t most)
{
	unsigned marks = 0;

	line_text(l, "\"");
	if (put(l, s, len, share(l, most), &marks) < len)
		marks |= LINE_CUT;
	line_text(l, "\"");
	return marks;
}

unsigned line_tail(struct line *l, const char *s, size_t len, size_t most)
{
	size_t total = 0, from = 0;
	unsigned ignored = 0;

	most = share(l, most);
	if (len * 6 > most) { /* else it fits in, whatever is in it */
		char out[6];
		size_t n;

		for (size_t i = 0; i < len; total += n)
			i += character(s + i, len - i, out, &n, &ignored);
		while (total > most) {
			from += character(s + from, len - from, out, &n, &ignored);
			total -= n;
		}
	}
	return line_string(l, s + from, len - from, most + 2) | (from > 0 ? LINE_CUT : 0);
}

void line_hex(struct line *l, const char *s, size_t len, size_t most)
{
	line_text(l, "\"");
	for (size_t i = 0; i < len && 2 * i + 4 <= most && line_room(l) > 2; i++) {
		unsigned char c = (unsigned char)s[i];
		line_raw(l, (char[]){ hex[c >> 4], hex[c & 15] }, 2);
	}
	line_text(l, "\"");
}
