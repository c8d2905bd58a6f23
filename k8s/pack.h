/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs a struct, its tables and its strings into one allocation. The filling code runs twice: the
 * first run measures (tables are scratch, strings are gathered), then pack_begin() allocates
 * exactly that much and the second run, which must ask for the same things in the same order, gets
 * pointers into it. A string that equals another, or the tail of another, is stored once. Private
 * to k8s/.
 */
#pragma once
#include <stddef.h>

#include "k8s/base/buf.h"

struct pack {
	struct buf strings; /* every distinct text with its NUL */
	struct buf places;  /* struct pack_place a string asked for, in order */
	struct buf scratch; /* a table of the first run; nobody reads it */
	char *mem;          /* the allocation; NULL in the first run */
	size_t tables;      /* bytes of tables: first run asked for, second run handed out */
	size_t strings_at;  /* offset of the strings in mem */
	size_t next;        /* second run: the place to replay */
};

void pack_done(
	struct pack *p); /* the allocation is not freed once pack_begin() has given it away */
/* n zeroed elements of size bytes, 8-byte aligned. NULL: out of memory, or n is 0. */
void *pack_table(struct pack *p, size_t n, size_t size);
/* s (NULL: "") as a string of the allocation; never NULL. */
const char *pack_string(struct pack *p, const char *s);
/* The same for words that many objects have alike: stored once for the process (words.h). */
const char *pack_word(struct pack *p, const char *s);
/* Ends the first run. Returns the allocation (free() it) and begins the second; NULL: no memory. */
void *pack_begin(struct pack *p);
