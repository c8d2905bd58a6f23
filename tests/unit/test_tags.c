/* SPDX-License-Identifier: Apache-2.0 */
/* fs/attr/tags.c, and what the stores of tags and hold ask for. */
#include <errno.h>

#include "tests/unit/attr_view.h"

#include "fs/attr/tags.h"

/* store.c is not here: what a store wants is noted. */
static char asked_key[64], *asked_value;
static unsigned asked;

int store_annotation(struct store_ctx *c, const char *key, const char *value)
{
	(void)c;
	asked++;
	snprintf(asked_key, sizeof(asked_key), "%s", key);
	free(asked_value);
	asked_value = value ? strdup(value) : NULL;
	return 0;
}

#define TAGGED(tags)                                                                               \
	"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"annotations\":{\"loom.dev/tags\":"          \
	"\"" tags "\"}},\"spec\":{\"containers\":[{\"name\":\"weaver\"}]}}"

static int store(const char *json, bool truncate, const char *text, struct error *e)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	struct attr_view v;

	attr_view_init(&v, pod, NULL);
	asked = 0;
	struct store_ctx c = { .view = v.view, .truncate = truncate };
	return tags_store(&c, text, strlen(text), e);
}

static void store_merges_or_replaces(void **state)
{
	static const char json[] = TAGGED("{\\\"a\\\":\\\"1\\\",\\\"n\\\":2,\\\"b\\\":\\\"2\\\"}");

	(void)state;
	assert_int_equal(store(json, false, "b=3\nc=\xc3\xa4\"", NULL), 0);
	assert_string_equal(asked_key, "loom.dev/tags");
	assert_string_equal(asked_value, "{\"a\":\"1\",\"b\":\"3\",\"c\":\"\xc3\xa4\\\"\"}");
	assert_int_equal(store(json, true, "b=3", NULL), 0);
	assert_string_equal(asked_value, "{\"b\":\"3\"}");
	assert_int_equal(store(json, true, "", NULL), 0);
	assert_int_equal(asked, 1);
	assert_null(asked_value);
	assert_int_equal(store(TAGGED("no json"), false, "x=y", NULL), 0);
	assert_string_equal(asked_value, "{\"x\":\"y\"}");
}

static void store_bad_line_asks_for_nothing(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(store(BARE_POD, false, "a=1\nb", &e), -EINVAL);
	assert_int_equal(store(BARE_POD, false, "=1", &e), -EINVAL);
	assert_int_equal(store(BARE_POD, false, "a\tb=1", &e), -EINVAL);
	assert_int_equal(asked, 0);
}

static void store_has_a_bound(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	for (int i = 0; i < 250; i++)
		buf_printf(&text, "k%d=%01000d\n", i, i);
	assert_int_equal(store(BARE_POD, false, buf_str(&text), &e), -EINVAL);
	assert_non_null(strstr(e.text, "bytes"));
	assert_int_equal(asked, 0);
}

static void hold_store_zero_or_one(void **state)
{
	struct store_ctx c = { 0 };

	(void)state;
	assert_int_equal(hold_store(&c, "1", 1, NULL), 0);
	assert_string_equal(asked_value, "1");
	assert_int_equal(hold_store(&c, "0", 1, NULL), 0);
	assert_null(asked_value);
	asked = 0;
	assert_int_equal(hold_store(&c, "2", 1, NULL), -EINVAL);
	assert_int_equal(hold_store(&c, "10", 2, NULL), -EINVAL);
	assert_int_equal(hold_store(&c, "", 0, NULL), -EINVAL);
	assert_int_equal(asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_merges_or_replaces),
		cmocka_unit_test(store_bad_line_asks_for_nothing),
		cmocka_unit_test(store_has_a_bound),
		cmocka_unit_test(hold_store_zero_or_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
