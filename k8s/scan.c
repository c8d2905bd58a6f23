/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner knows just enough JSON to find where an object ends: strings, escapes, and which
 * bracket closes which. It is no validator; whoever reads the object parses it. One function walks
 * a nested value over any number of feeds (walk_nested), a table of characters keeps it quick; the
 * rest is the small state machine around such values: nothing but objects in a sequence, the
 * top-level members of a list. Bytes are copied once, into pending, for their NUL.
 */
#include "k8s/scan.h"

#include <errno.h>
#include <string.h>

enum scan_state {
	SCAN_BETWEEN,   /* sequence: before an object */
	SCAN_OBJECT,    /* inside an object that is wanted */
	SCAN_START,     /* list: before its { */
	SCAN_KEY_FIRST, /* after {: a key or } */
	SCAN_KEY_NEXT,  /* after a comma: a key */
	SCAN_KEY,       /* inside a key */
	SCAN_COLON,
	SCAN_VALUE,      /* before a value */
	SCAN_SKIP,       /* inside an object or array nobody wants */
	SCAN_SKIP_TEXT,  /* inside a string nobody wants */
	SCAN_SKIP_WORD,  /* inside a number, true, false, null */
	SCAN_COMMA,      /* after a value: comma or } */
	SCAN_ITEM_FIRST, /* after items' [: an object or ] */
	SCAN_ITEM_NEXT,  /* after its comma: an object */
	SCAN_ITEM_COMMA, /* after an item: comma or ] */
	SCAN_METADATA,   /* inside the list's metadata */
	SCAN_END,        /* after the list's } */
	SCAN_FAILED,
};

/* What a byte means to the walk; 0 means nothing. */
enum { CHAR_OPEN = 1, CHAR_CLOSE, CHAR_QUOTE, CHAR_ESCAPE, CHAR_CONTROL, CHAR_BLANK };

/* clang-format off */
static const unsigned char char_class[256] = {
	[0 ... 8] = CHAR_CONTROL, [11 ... 12] = CHAR_CONTROL, [14 ... 31] = CHAR_CONTROL,
	['\t'] = CHAR_BLANK, ['\n'] = CHAR_BLANK, ['\r'] = CHAR_BLANK, [' '] = CHAR_BLANK,
	['{'] = CHAR_OPEN, ['['] = CHAR_OPEN, ['}'] = CHAR_CLOSE, [']'] = CHAR_CLOSE,
	['"'] = CHAR_QUOTE, ['\\'] = CHAR_ESCAPE,
};
/* clang-format on */

static bool is_blank(char c)
{
	return char_class[(unsigned char)c] == CHAR_BLANK;
}

static void reset_walk(struct scan *s)
{
	s->depth = 0;
	s->brackets = 0;
	s->in_string = s->escaped = false;
}

/* Passes over bytes that mean nothing inside a string, eight at a time (most have 10 to 40). */
static const char *skip_plain(const char *p, const char *end)
{
	const uint64_t low = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t word;

	for (; end - p >= (ptrdiff_t)sizeof(word); p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		uint64_t quote = word ^ low * '"', escape = word ^ low * '\\';
		/* high bit set: less than a blank, or zero; bytes over 0x7f are neither */
		uint64_t found = ((word - low * ' ') & ~word) | ((quote - low) & ~quote) |
				 ((escape - low) & ~escape);
		if (found & high)
			break;
	}
	return p;
}

/* Walks to the closing quote: returns behind it, or end. NULL: a bare control character. */
static const char *walk_string(struct scan *s, const char *p, const char *end)
{
	if (p < end && s->escaped) {
		s->escaped = false;
		p++;
	}
	for (p = skip_plain(p, end); p < end;) {
		switch (char_class[(unsigned char)*p++]) {
		case CHAR_QUOTE:
			s->in_string = false;
			return p;
		case CHAR_ESCAPE:
			if (p == end)
				s->escaped = true;
			else
				p++;
			break;
		case CHAR_CONTROL:
			return NULL;
		case CHAR_BLANK:
			if (p[-1] != ' ')
				return NULL;
			break;
		default:
			break;
		}
	}
	return p;
}

/* c opens or closes a level. False: too deep, or the wrong bracket. */
static bool step_bracket(struct scan *s, char c)
{
	if (c == '{' || c == '[') {
		if (s->depth == SCAN_DEPTH_MAX)
			return false;
		s->brackets = s->brackets << 1 | (c == '[');
		s->depth++;
		return true;
	}
	if (s->depth == 0 || (s->brackets & 1) != (c == ']'))
		return false;
	s->brackets >>= 1;
	s->depth--;
	return true;
}

/*
 * Walks on inside an object or array whose first byte is at p, or was fed before. Returns behind
 * its last bracket (depth is 0 then) or end; NULL when this is no JSON.
 */
static const char *walk_nested(struct scan *s, const char *p, const char *end)
{
	while (p < end) {
		if (s->in_string) {
			p = walk_string(s, p, end);
			if (!p)
				return NULL;
			continue;
		}
		switch (char_class[(unsigned char)*p++]) {
		case CHAR_QUOTE:
			s->in_string = true;
			break;
		case CHAR_OPEN:
		case CHAR_CLOSE:
			if (!step_bracket(s, p[-1]))
				return NULL;
			if (s->depth == 0)
				return p;
			break;
		case CHAR_ESCAPE:
		case CHAR_CONTROL:
			return NULL;
		default:
			break;
		}
	}
	return p;
}

void scan_init(struct scan *s, enum scan_shape shape)
{
	*s = (struct scan){
		.shape = shape,
		.state = shape == SCAN_LIST ? SCAN_START : SCAN_BETWEEN,
	};
}

void scan_done(struct scan *s)
{
	buf_done(&s->pending);
}

static int fail(struct scan *s, struct error *e, const char *what)
{
	s->state = SCAN_FAILED;
	return error_set(e, EPROTO, "the server's stream is not the JSON expected: %s", what);
}

static int fail_char(struct scan *s, char c, struct error *e)
{
	s->state = SCAN_FAILED;
	return error_set(e, EPROTO,
			 "the server's stream is not the JSON expected: unexpected byte 0x%02x",
			 (unsigned char)c);
}

/* Gives pending away. A large one is not kept: most objects have 10 KiB. */
static int deliver(struct scan *s, unsigned next, struct error *e)
{
	int (*callback)(void *, char *, size_t, struct error *) =
		s->state == SCAN_METADATA ? s->metadata : s->object;

	s->state = next;
	int r = callback ? callback(s->data, s->pending.data, s->pending.len, e) : 0;
	if (r < 0) {
		s->state = SCAN_FAILED;
		return r;
	}
	if (s->pending.cap > 256u << 10)
		buf_done(&s->pending);
	else
		buf_reset(&s->pending);
	return 0;
}

/* Takes what belongs to the object under way and delivers it when it is whole. */
static int take_object(struct scan *s, const char **p, const char *end, struct error *e)
{
	const char *stop = walk_nested(s, *p, end);
	if (!stop)
		return fail(s, e, "brackets do not match, nest too deep, or a control character");
	if (s->pending.len + (size_t)(stop - *p) > SCAN_OBJECT_MAX)
		return fail(s, e, "an object over 8 MiB");
	buf_add(&s->pending, *p, (size_t)(stop - *p));
	if (buf_error(&s->pending) < 0) {
		s->state = SCAN_FAILED;
		return error_oom(e);
	}
	*p = stop;
	if (s->depth > 0)
		return 0;
	unsigned next = s->state == SCAN_METADATA ? SCAN_COMMA
			: s->shape == SCAN_LIST   ? SCAN_ITEM_COMMA
						  : SCAN_BETWEEN;
	return deliver(s, next, e);
}

/* Passes over a value nobody wants. */
static int skip_value(struct scan *s, const char **p, const char *end, struct error *e)
{
	if (s->state == SCAN_SKIP_WORD) {
		while (*p < end && !is_blank(**p) && **p != ',' && **p != '}')
			(*p)++;
		if (*p < end)
			s->state = SCAN_COMMA;
		return 0;
	}
	const char *stop =
		s->state == SCAN_SKIP ? walk_nested(s, *p, end) : walk_string(s, *p, end);
	if (!stop)
		return fail(s, e, "brackets do not match, or a control character");
	*p = stop;
	if (s->depth == 0 && !s->in_string)
		s->state = SCAN_COMMA;
	return 0;
}

static int take_key(struct scan *s, const char **p, const char *end, struct error *e)
{
	const char *stop = walk_string(s, *p, end);
	if (!stop)
		return fail(s, e, "a control character");
	size_t n = (size_t)(stop - *p) - !s->in_string;
	for (size_t i = 0; i < n && s->key_len < sizeof(s->key); i++)
		s->key[s->key_len++] = (*p)[i];
	*p = stop;
	if (!s->in_string)
		s->state = SCAN_COLON;
	return 0;
}

static bool key_is(const struct scan *s, const char *key)
{
	return s->key_len == strlen(key) && memcmp(s->key, key, s->key_len) == 0;
}

/* c begins the value of a top-level member; which state reads it. It is not consumed, or is by
 * true. */
static bool begin_value(struct scan *s, char c)
{
	reset_walk(s);
	if (c == '[' && key_is(s, "items")) {
		s->state = SCAN_ITEM_FIRST;
		return true;
	}
	if (c == '"') {
		s->in_string = true;
		s->state = SCAN_SKIP_TEXT;
		return true;
	}
	if (c != '{' && c != '[')
		s->state = SCAN_SKIP_WORD;
	else
		s->state = c == '{' && s->metadata && key_is(s, "metadata") ? SCAN_METADATA
									    : SCAN_SKIP;
	return false;
}

static void begin_key(struct scan *s)
{
	reset_walk(s);
	s->key_len = 0;
	s->in_string = true;
	s->state = SCAN_KEY;
}

/*
 * One byte between values. Returns whether it is consumed; a byte that fits nowhere leaves
 * SCAN_FAILED.
 */
static bool step(struct scan *s, char c)
{
	/* state, byte → next state; what needs more than that is below */
	static const struct {
		unsigned char state;
		char c;
		unsigned char next;
	} steps[] = {
		{ SCAN_START, '{', SCAN_KEY_FIRST },
		{ SCAN_KEY_FIRST, '}', SCAN_END },
		{ SCAN_COLON, ':', SCAN_VALUE },
		{ SCAN_COMMA, ',', SCAN_KEY_NEXT },
		{ SCAN_COMMA, '}', SCAN_END },
		{ SCAN_ITEM_FIRST, ']', SCAN_COMMA },
		{ SCAN_ITEM_COMMA, ',', SCAN_ITEM_NEXT },
		{ SCAN_ITEM_COMMA, ']', SCAN_COMMA },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].state == s->state && steps[i].c == c) {
			s->state = steps[i].next;
			return true;
		}
	}
	if (c == '{' && (s->state == SCAN_BETWEEN || s->state == SCAN_ITEM_FIRST ||
			 s->state == SCAN_ITEM_NEXT)) {
		reset_walk(s);
		s->state = SCAN_OBJECT;
		return false;
	}
	if (c == '"' && (s->state == SCAN_KEY_FIRST || s->state == SCAN_KEY_NEXT)) {
		begin_key(s);
		return true;
	}
	if (s->state == SCAN_VALUE && c != ',' && c != '}' && c != ']' && c != ':')
		return begin_value(s, c);
	s->state = SCAN_FAILED;
	return false;
}

int scan_feed(struct scan *s, const char *bytes, size_t len, struct error *e)
{
	const char *p = bytes, *end = bytes + len;

	while (p < end) {
		int r = 0;
		switch ((enum scan_state)s->state) {
		case SCAN_OBJECT:
		case SCAN_METADATA:
			r = take_object(s, &p, end, e);
			break;
		case SCAN_SKIP:
		case SCAN_SKIP_TEXT:
		case SCAN_SKIP_WORD:
			r = skip_value(s, &p, end, e);
			break;
		case SCAN_KEY:
			r = take_key(s, &p, end, e);
			break;
		case SCAN_FAILED:
			return fail(s, e, "it had failed before");
		default:
			if (is_blank(*p) || step(s, *p))
				p++;
			else if (s->state == SCAN_FAILED)
				return fail_char(s, *p, e);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int scan_finish(const struct scan *s, struct error *e)
{
	if (s->state == SCAN_BETWEEN || s->state == SCAN_END)
		return 0;
	return error_set(e, EPROTO, "the server's reply ended in the middle of %s",
			 s->shape == SCAN_LIST ? "the list" : "an object");
}

const char *scan_value_end(const char *p, const char *end)
{
	struct scan s = { 0 };

	if (p >= end)
		return NULL;
	if (*p == '{' || *p == '[') {
		p = walk_nested(&s, p, end);
		return p && s.depth == 0 ? p : NULL;
	}
	if (*p == '"') {
		s.in_string = true;
		p = walk_string(&s, p + 1, end);
		return p && !s.in_string ? p : NULL;
	}
	const char *start = p;
	while (p < end && !is_blank(*p) && *p != ',' && *p != '}' && *p != ']')
		p++;
	return p > start && p < end ? p : NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

const char *scan_member(const char *json, size_t len, const char *key, size_t *ret_len)
{
	const char *end = json + len, *p = skip_blanks(json, end);
	size_t key_len = strlen(key);

	if (p == end || *p != '{')
		return NULL;
	for (p = skip_blanks(p + 1, end); p < end && *p == '"'; p = skip_blanks(p + 1, end)) {
		const char *name = p + 1;
		p = scan_value_end(p, end);
		if (!p)
			return NULL;
		bool found = (size_t)(p - name) == key_len + 1 && memcmp(name, key, key_len) == 0;
		p = skip_blanks(p, end);
		if (p == end || *p != ':')
			return NULL;
		const char *value = skip_blanks(p + 1, end);
		p = scan_value_end(value, end);
		if (!p)
			return NULL;
		if (found) {
			*ret_len = (size_t)(p - value);
			return value;
		}
		p = skip_blanks(p, end);
		if (p == end || *p != ',')
			return NULL;
	}
	return NULL;
}
