/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/yaml_json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
	int n, stop_at;
	char text[512];
};

static int see(void *data, cJSON *document, struct error *e)
{
	struct seen *s = data;
	char *text = cJSON_PrintUnformatted(document);

	strcat(s->text, s->n++ ? " " : "");
	strcat(s->text, text);
	free(text);
	cJSON_Delete(document);
	return s->n == s->stop_at ? error_set(e, ECANCELED, "enough") : 0;
}

static int read_text(const char *text, struct seen *s, struct error *e)
{
	return yaml_json_documents("x.yaml", text, strlen(text), see, s, e);
}

static void documents_several_come_in_order(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(
		0, read_text("# a\na: 1\n---\nb: [x, \"2\", true]\n---\n- c: >-\n    d\n    e\n",
			     &s, NULL));
	assert_string_equal("{\"a\":1} {\"b\":[\"x\",\"2\",true]} [{\"c\":\"d e\"}]", s.text);
}

static void documents_empty_ones_are_left_out(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(0, read_text("", &s, NULL));
	assert_int_equal(0, read_text("# a comment\n", &s, NULL));
	assert_int_equal(0, read_text("---\n---\na: b\n---\n", &s, NULL));
	assert_string_equal("{\"a\":\"b\"}", s.text);
}

static void documents_malformed_says_where(void **state)
{
	struct error e = ERROR_INIT;
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(-EINVAL, read_text("a: 1\n---\nb: [\n", &s, &e));
	assert_int_equal(1, s.n);
	assert_non_null(strstr(e.text, "x.yaml:"));
	assert_int_equal(-EINVAL, read_text("a: 1\na: 2\n", &s, &e));
	assert_non_null(strstr(e.text, "x.yaml:2: the same key twice"));
}

static void documents_the_callback_ends_it(void **state)
{
	struct error e = ERROR_INIT;
	struct seen s = { .stop_at = 2 };

	(void)state;
	assert_int_equal(-ECANCELED, read_text("1\n---\n2\n---\n3\n", &s, &e));
	assert_string_equal("1 2", s.text);
	assert_string_equal("enough", e.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_several_come_in_order),
		cmocka_unit_test(documents_empty_ones_are_left_out),
		cmocka_unit_test(documents_malformed_says_where),
		cmocka_unit_test(documents_the_callback_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
