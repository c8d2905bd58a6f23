/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation for a struct and all it points at: see pack.h for the two runs. */
#include "k8s/pack.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/words.h"

/* Where the first run has put a string. */
struct pack_place {
	const char *word; /* outside the allocation; NULL: */
	size_t at;        /* its offset in strings */
};

/* Texts are looked for among the first ones only: a hostile pod must not cost quadratic time. */
#define PACK_SEARCH_MAX 4096

void pack_done(struct pack *p)
{
	buf_done(&p->strings);
	buf_done(&p->places);
	buf_done(&p->scratch);
}

void *pack_table(struct pack *p, size_t n, size_t size)
{
	size_t bytes = (n * size + 7) & ~(size_t)7;

	if (n == 0)
		return NULL;
	if (p->mem) {
		void *table = p->mem + p->tables;
		p->tables += bytes;
		return table;
	}
	p->tables += bytes;
	buf_reset(&p->scratch);
	if (buf_reserve(&p->scratch, bytes) < 0) {
		p->strings.failed = true; /* sticky: pack_begin() says so */
		return NULL;
	}
	return memset(p->scratch.data, 0, bytes);
}

static size_t find_or_add(struct pack *p, const char *s)
{
	size_t len = strlen(s) + 1;
	size_t search = p->strings.len < PACK_SEARCH_MAX ? p->strings.len : PACK_SEARCH_MAX;

	/* the NUL belongs to the needle: what matches is a text or the tail of one */
	const char *found = search ? memmem(p->strings.data, search, s, len) : NULL;
	if (found)
		return (size_t)(found - p->strings.data);
	size_t at = p->strings.len;
	buf_add(&p->strings, s, len);
	return at;
}

static const char *replay(struct pack *p)
{
	struct pack_place place;

	memcpy(&place, p->places.data + p->next, sizeof(place));
	p->next += sizeof(place);
	return place.word ? place.word : p->mem + p->strings_at + place.at;
}

const char *pack_string(struct pack *p, const char *s)
{
	if (p->mem)
		return replay(p);
	struct pack_place place = { .at = find_or_add(p, s ? s : "") };
	buf_add(&p->places, &place, sizeof(place));
	return "";
}

const char *pack_word(struct pack *p, const char *s)
{
	if (p->mem)
		return replay(p);
	struct pack_place place = { .word = words_get(s ? s : "") };
	if (!place.word)
		return pack_string(p, s);
	buf_add(&p->places, &place, sizeof(place));
	return "";
}

void *pack_begin(struct pack *p)
{
	if (buf_error(&p->strings) < 0 || buf_error(&p->places) < 0)
		return NULL;
	p->mem = calloc(1, p->tables + p->strings.len);
	if (!p->mem)
		return NULL;
	p->strings_at = p->tables;
	p->tables = 0;
	if (p->strings.len > 0)
		memcpy(p->mem + p->strings_at, p->strings.data, p->strings.len);
	return p->mem;
}
