/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/pack.c, words.c: two runs, shared texts, and a store of words that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"
#include "k8s/pack.h"
#include "k8s/words.h"

struct thing {
	const char *name, *tail, *same, *empty, *word;
	const char **list;
};

static void fill(struct pack *p, struct thing *t, const char *word)
{
	t->name = pack_string(p, "weaver-0123");
	t->tail = pack_string(p, "0123");
	t->same = pack_string(p, "weaver-0123");
	t->empty = pack_string(p, NULL);
	t->word = pack_word(p, word);
	t->list = pack_table(p, 2, sizeof(*t->list));
	t->list[0] = pack_string(p, "first");
	t->list[1] = pack_string(p, "second");
}

static struct thing *pack(const char *word)
{
	_cleanup_(pack_done) struct pack p = { 0 };
	struct thing measured = { 0 };

	pack_table(&p, 1, sizeof(measured));
	fill(&p, &measured, word);
	struct thing *t = pack_begin(&p);
	assert_non_null(t);
	assert_ptr_equal(pack_table(&p, 1, sizeof(*t)), t);
	fill(&p, t, word);
	return t;
}

static void pack_stores_equal_texts_and_tails_once(void **state)
{
	_cleanup_(cleanup_free) struct thing *t = pack("key");

	(void)state;
	assert_string_equal(t->name, "weaver-0123");
	assert_string_equal(t->tail, "0123");
	assert_ptr_equal(t->tail, t->name + strlen("weaver-"));
	assert_ptr_equal(t->same, t->name);
	assert_string_equal(t->empty, "");
	assert_string_equal(t->list[0], "first");
	assert_string_equal(t->list[1], "second");
}

static void pack_word_is_the_same_for_all(void **state)
{
	_cleanup_(cleanup_free) struct thing *a = pack("key"), *b = pack("key");

	(void)state;
	assert_string_equal(a->word, "key");
	assert_ptr_equal(a->word, b->word);
}

static void pack_table_of_nothing_is_null(void **state)
{
	_cleanup_(pack_done) struct pack p = { 0 };

	(void)state;
	assert_null(pack_table(&p, 0, 8));
}

static void words_full_or_long_are_stored_with_their_object(void **state)
{
	char text[WORDS_LENGTH_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(words_get(text));
	for (int i = 0; i < WORDS_MAX; i++) {
		snprintf(text, sizeof(text), "word %d", i);
		words_get(text);
	}
	assert_null(words_get("one too many"));
	assert_string_equal(words_get("word 7"), "word 7");
	_cleanup_(cleanup_free) struct thing *t = pack("one too many");
	assert_string_equal(t->word, "one too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pack_stores_equal_texts_and_tails_once),
		cmocka_unit_test(pack_word_is_the_same_for_all),
		cmocka_unit_test(pack_table_of_nothing_is_null),
		cmocka_unit_test(words_full_or_long_are_stored_with_their_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
