/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/kubesim/patch.c, selector.c and protobuf.c: what clients send, and what becomes of it. The
 * merge patches are those of RFC 7386's appendix, the protobuf body is one of kubectl's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kubesim/json.c"
#include "tools/kubesim/patch.c"
#include "tools/kubesim/protobuf.c"
#include "tools/kubesim/selector.c"

static int apply(enum patch_type type, const char *target, const char *patch, const char *expected)
{
	struct error e = ERROR_INIT;
	_cleanup_(cJSON_Deletep) cJSON *o = json_parse(target, strlen(target));
	_cleanup_(cJSON_Deletep) cJSON *p = json_parse(patch, strlen(patch));
	int r = patch_apply(type, o, p, &e);

	if (r == 0) {
		_cleanup_(cJSON_Deletep) cJSON *x = json_parse(expected, strlen(expected));
		if (!cJSON_Compare(o, x, true))
			fail_msg("%s with %s is not %s", target, patch, expected);
	}
	return r;
}

static void merge_patch_as_rfc_7386(void **state)
{
	static const char *const cases[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":\"foo\"}", "{\"b\":{\"c\":null}}", "{\"a\":\"foo\",\"b\":{}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(apply(PATCH_MERGE, cases[i][0], cases[i][1], cases[i][2]), 0);
}

static void json_patch_operations(void **state)
{
	const char *o = "{\"metadata\":{\"labels\":{\"a/b\":\"1\"}},\"l\":[1,2]}";

	(void)state;
	assert_int_equal(
		apply(PATCH_JSON, o,
		      "[{\"op\":\"test\",\"path\":\"/metadata/labels/a~1b\",\"value\":\"1\"},"
		      "{\"op\":\"replace\",\"path\":\"/metadata/labels/a~1b\",\"value\":\"2\"},"
		      "{\"op\":\"add\",\"path\":\"/l/-\",\"value\":3}]",
		      "{\"metadata\":{\"labels\":{\"a/b\":\"2\"}},\"l\":[1,2,3]}"),
		0);
	assert_int_equal(apply(PATCH_JSON, o, "[{\"op\":\"remove\",\"path\":\"/l/0\"}]",
			       "{\"metadata\":{\"labels\":{\"a/b\":\"1\"}},\"l\":[2]}"),
			 0);
	assert_int_equal(apply(PATCH_JSON, o, "[{\"op\":\"test\",\"path\":\"/l/0\",\"value\":2}]",
			       ""),
			 -EDOM);
	assert_int_equal(apply(PATCH_JSON, o, "[{\"op\":\"remove\",\"path\":\"/no/way\"}]", ""),
			 -EDOM);
	assert_int_equal(apply(PATCH_JSON, o, "{}", ""), -EINVAL);
}

static void strategic_patch_merges_lists_by_name(void **state)
{
	(void)state;
	assert_int_equal(
		apply(PATCH_STRATEGIC, "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"}]}",
		      "{\"containers\":[{\"name\":\"a\",\"image\":\"2\"},{\"name\":\"b\"}]}",
		      "{\"containers\":[{\"name\":\"a\",\"image\":\"2\"},{\"name\":\"b\"}]}"),
		0);
}

static bool matches(const char *selector, const char *labels)
{
	struct error e = ERROR_INIT;
	struct selector *s;
	_cleanup_(cJSON_Deletep) cJSON *o = json_parse(labels, strlen(labels));

	if (selector_parse(selector, &s, &e) < 0)
		fail_msg("%s: %s", selector, e.text);
	bool yes = selector_matches(s, o);
	selector_free(s);
	return yes;
}

static void selectors_match(void **state)
{
	const char *l = "{\"a\":\"1\",\"loom.dev/managed\":\"true\"}";

	(void)state;
	assert_true(matches("", l));
	assert_true(matches("a=1,loom.dev/managed==true", l));
	assert_false(matches("a=2", l));
	assert_true(matches("a!=2,b!=1", l));
	assert_true(matches("a in (0, 1),b notin (x)", l));
	assert_false(matches("a notin (1)", l));
	assert_true(matches("a,!b", l));
	assert_false(matches("b", l));
}

static void selector_malformed_is_refused(void **state)
{
	static const char *const bad[] = { "a in 1", "a=1 b=2", "=x", "a in (1" };
	struct selector *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(selector_parse(bad[i], &s, NULL), -EINVAL);
}

/* kubectl create secret generic s --from-literal=k=v, without the empty fields. */
static const char secret[] = "k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12\x1a\n\x03\n\x01s"
			     "\x12\x06\n\x01k\x12\x01v\x1a\x06Opaque\"\x03\n\x01x";

static void protobuf_secret_is_read(void **state)
{
	(void)state;
	_cleanup_(cJSON_Deletep) cJSON *o = protobuf_read(secret, sizeof(secret) - 1);
	assert_non_null(o);
	assert_string_equal(json_str(o, "kind"), "Secret");
	assert_string_equal(json_str(o, "metadata.name"), "s");
	assert_string_equal(json_str(o, "data.k"), "dg==");
	assert_string_equal(json_str(o, "type"), "Opaque");
	assert_string_equal(json_str(o, "stringData.x"), "");
}

static void protobuf_cut_short_is_refused(void **state)
{
	(void)state;
	assert_null(protobuf_read("{}", 2));
	for (size_t n = 4; n < sizeof(secret) - 1; n++)
		cJSON_Delete(
			protobuf_read(secret, n)); /* refused or partial, never beyond the end */
	assert_null(protobuf_read(secret, sizeof(secret) - 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_patch_as_rfc_7386),
		cmocka_unit_test(json_patch_operations),
		cmocka_unit_test(strategic_patch_merges_lists_by_name),
		cmocka_unit_test(selectors_match),
		cmocka_unit_test(selector_malformed_is_refused),
		cmocka_unit_test(protobuf_secret_is_read),
		cmocka_unit_test(protobuf_cut_short_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
