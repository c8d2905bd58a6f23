/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner gives the same objects wherever a stream was cut, and refuses garbage. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "k8s/base/cleanup.h"
#include "k8s/scan.h"

/* What came: each object and a newline; metadata as "M" and the object. */
struct seen {
	struct buf text;
	unsigned objects, metadata;
	int result; /* what the callback returns */
};

static int on_object(void *data, char *json, size_t len, struct error *e)
{
	struct seen *seen = data;

	assert_int_equal(json[len], '\0');
	buf_add(&seen->text, json, len);
	buf_add_char(&seen->text, '\n');
	seen->objects++;
	return seen->result < 0 ? error_set(e, -seen->result, "enough") : 0;
}

static int on_metadata(void *data, char *json, size_t len, struct error *e)
{
	struct seen *seen = data;

	(void)e;
	buf_add_char(&seen->text, 'M');
	buf_add(&seen->text, json, len);
	buf_add_char(&seen->text, '\n');
	seen->metadata++;
	return 0;
}

/* Feeds in pieces of `piece` bytes (0: random ones); 0 or the first error, of scan_finish too. */
static int run(enum scan_shape shape, const char *bytes, size_t len, size_t piece,
	       struct seen *seen)
{
	struct scan s;
	struct error e = ERROR_INIT;
	int r = 0;

	*seen = (struct seen){ .result = seen->result };
	scan_init(&s, shape);
	s.object = on_object;
	s.metadata = on_metadata;
	s.data = seen;
	for (size_t at = 0; at < len && r == 0;) {
		size_t n = piece ? piece : 1 + (size_t)rand() % 700;
		n = n < len - at ? n : len - at;
		r = scan_feed(&s, bytes + at, n, &e);
		at += n;
	}
	if (r == 0)
		r = scan_finish(&s, &e);
	if (r < 0)
		assert_true(e.text[0]);
	scan_done(&s);
	return r;
}

static void assert_scan(enum scan_shape shape, const char *in, int result, const char *out)
{
	for (size_t piece = 0; piece < 9; piece++) {
		struct seen seen = { 0 };
		assert_int_equal(run(shape, in, strlen(in), piece, &seen), result);
		if (out)
			assert_string_equal(buf_str(&seen.text), out);
		buf_done(&seen.text);
	}
}

static void sequence_of_objects_gives_each(void **state)
{
	(void)state;
	assert_scan(SCAN_SEQUENCE, "", 0, "");
	assert_scan(SCAN_SEQUENCE, " \n", 0, "");
	assert_scan(SCAN_SEQUENCE, "{}{\"a\":[1,{}]}\n\n {\"b\":2}", 0,
		    "{}\n{\"a\":[1,{}]}\n{\"b\":2}\n");
	assert_scan(SCAN_SEQUENCE, "{\"a\":\"}{\\\"\\\\\"}{\"\\\\\":\"[\"}", 0,
		    "{\"a\":\"}{\\\"\\\\\"}\n{\"\\\\\":\"[\"}\n");
	assert_scan(SCAN_SEQUENCE, "{\"a\":\"gr\xc3\xbc\xc3\x9f\"}", 0,
		    "{\"a\":\"gr\xc3\xbc\xc3\x9f\"}\n");
}

static void sequence_of_garbage_is_refused(void **state)
{
	static const char *const bad[] = { "x",         "[1]",   "null",          "{}x",
					   "{}]",       "{]",    "{[}]",          "{\\}",
					   "}",         "\"a\"", "{\"a\x01\":1}", "{\x02}",
					   "{\"\n\":1}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_scan(SCAN_SEQUENCE, bad[i], -EPROTO, NULL);
}

static void sequence_cut_off_is_refused_at_the_end(void **state)
{
	(void)state;
	assert_scan(SCAN_SEQUENCE, "{}{\"a\":1", -EPROTO, "{}\n");
	assert_scan(SCAN_SEQUENCE, "{\"a", -EPROTO, "");
}

static void list_gives_items_and_metadata(void **state)
{
	(void)state;
	assert_scan(SCAN_LIST,
		    "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},"
		    "\"items\":[{\"items\":[{}]}, {\"metadata\":{}}]}\n",
		    0, "M{\"resourceVersion\":\"7\"}\n{\"items\":[{}]}\n{\"metadata\":{}}\n");
	assert_scan(SCAN_LIST, "{\"items\":[{}],\"metadata\":{}}", 0, "{}\nM{}\n");
	assert_scan(SCAN_LIST, "{}", 0, "");
	assert_scan(SCAN_LIST, "{\"items\":[]}", 0, "");
	assert_scan(SCAN_LIST, "{\"items\": null , \"metadata\":{}}", 0, "M{}\n");
	assert_scan(SCAN_LIST, "{\"x\":[{\"items\":[{}]}],\"y\":-1.5e3,\"z\":\"items\",\"t\":true}",
		    0, "");
	assert_scan(SCAN_LIST, "{\"itemsandmuchmorethanthat\":[{}],\"item\":[{}]}", 0, "");
}

static void list_of_garbage_is_refused(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{\"items\":[1]}",
		"{\"items\":[{},]}",
		"{\"items\":[{} {}]}",
		"{\"items\"}",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{} x",
		"{,}",
		"{\"items\":[{}}",
		"{\"a\":}",
		"{\"items\":[",
		"{\"a\":1",
		"{\"items\":[{}]]",
		"html",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_scan(SCAN_LIST, bad[i], -EPROTO, NULL);
}

static void depth_beyond_the_limit_is_refused(void **state)
{
	_cleanup_(buf_done) struct buf deep = BUF_INIT;

	(void)state;
	buf_add_str(&deep, "{\"a\":");
	for (int i = 0; i < SCAN_DEPTH_MAX - 1; i++)
		buf_add_char(&deep, '[');
	struct seen seen = { 0 };
	size_t fits = deep.len;
	for (int i = 0; i < SCAN_DEPTH_MAX - 1; i++)
		buf_add_char(&deep, ']');
	buf_add_char(&deep, '}');
	assert_int_equal(run(SCAN_SEQUENCE, deep.data, deep.len, 5, &seen), 0);
	assert_int_equal(seen.objects, 1);
	buf_done(&seen.text);
	deep.data[fits] = '[';
	assert_int_equal(run(SCAN_SEQUENCE, deep.data, deep.len, 5, &seen), -EPROTO);
	buf_done(&seen.text);
}

static void object_beyond_the_limit_is_refused(void **state)
{
	struct seen seen = { 0 };
	size_t len = SCAN_OBJECT_MAX + 100;
	_cleanup_(cleanup_free) char *big = malloc(len);

	(void)state;
	memset(big, 'x', len);
	memcpy(big, "{\"", 2);
	assert_int_equal(run(SCAN_SEQUENCE, big, len, 65536, &seen), -EPROTO);
	memcpy(big + SCAN_OBJECT_MAX - 4, "\":1}", 4);
	memset(big + SCAN_OBJECT_MAX, ' ', 100);
	assert_int_equal(run(SCAN_SEQUENCE, big, len, 65536, &seen), 0);
	buf_done(&seen.text);
}

static void callback_error_ends_the_scan(void **state)
{
	struct seen seen = { .result = -ENOSPC };

	(void)state;
	assert_int_equal(run(SCAN_SEQUENCE, "{}{}", 4, 0, &seen), -ENOSPC);
	assert_int_equal(seen.objects, 1);
	buf_done(&seen.text);
}

static void read_file(const char *path, struct buf *out)
{
	char block[4096];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	for (size_t n = fread(block, 1, sizeof(block), f); n; n = fread(block, 1, sizeof(block), f))
		buf_add(out, block, n);
	fclose(f);
}

static void every_fixture_survives_any_split(void **state)
{
	_cleanup_(globfree) glob_t files = { 0 };

	(void)state;
	assert_int_equal(glob("tests/fixtures/pods/*.json", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_(buf_done) struct buf bytes = BUF_INIT;
		read_file(files.gl_pathv[i], &bytes);
		if (bytes.data[0] != '{')
			continue; /* events are bare arrays */
		for (int piece = 0; piece < 4; piece++) {
			struct seen seen = { 0 };
			assert_int_equal(run(SCAN_SEQUENCE, bytes.data, bytes.len, piece == 1,
					     &seen),
					 0);
			assert_int_equal(seen.objects, 1);
			assert_memory_equal(seen.text.data, bytes.data, seen.text.len - 1);
			buf_done(&seen.text);
		}
	}
}

static void list_of_500_pods_gives_500(void **state)
{
	_cleanup_(buf_done) struct buf pod = BUF_INIT, list = BUF_INIT;

	(void)state;
	read_file("tests/fixtures/pods/running.Running.json", &pod);
	buf_add_str(&list,
		    "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
	for (int i = 0; i < 500; i++) {
		buf_add_str(&list, i ? "," : "");
		buf_add(&list, pod.data, pod.len);
	}
	buf_add_str(&list, "]}\n");
	for (size_t piece = 0; piece < 20000; piece += 16384) {
		struct seen seen = { 0 };
		assert_int_equal(run(SCAN_LIST, list.data, list.len, piece, &seen), 0);
		assert_int_equal(seen.objects, 500);
		assert_int_equal(seen.metadata, 1);
		buf_done(&seen.text);
	}
}

static void scan_member_finds_top_level_members_only(void **state)
{
	static const char json[] = " { \"a\" : {\"b\":1} , \"b\": \"x,}\" ,\"c\":[1], \"d\":true}";
	size_t len = 0;
	const char *value = scan_member(json, sizeof(json) - 1, "b", &len);

	(void)state;
	assert_non_null(value);
	assert_int_equal(len, 5);
	assert_memory_equal(value, "\"x,}\"", 5);
	value = scan_member(json, sizeof(json) - 1, "d", &len);
	assert_non_null(value);
	assert_memory_equal(value, "true", len);
	assert_null(scan_member(json, sizeof(json) - 1, "e", &len));
	assert_null(scan_member("[]", 2, "e", &len));
	assert_null(scan_member("{\"a\"", 4, "a", &len));
	assert_null(scan_member("{\"a\":", 5, "a", &len));
	assert_null(scan_member("{\"a\":12", 7, "a", &len));
	assert_null(scan_member("", 0, "a", &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_of_objects_gives_each),
		cmocka_unit_test(sequence_of_garbage_is_refused),
		cmocka_unit_test(sequence_cut_off_is_refused_at_the_end),
		cmocka_unit_test(list_gives_items_and_metadata),
		cmocka_unit_test(list_of_garbage_is_refused),
		cmocka_unit_test(depth_beyond_the_limit_is_refused),
		cmocka_unit_test(object_beyond_the_limit_is_refused),
		cmocka_unit_test(callback_error_ends_the_scan),
		cmocka_unit_test(every_fixture_survives_any_split),
		cmocka_unit_test(list_of_500_pods_gives_500),
		cmocka_unit_test(scan_member_finds_top_level_members_only),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
