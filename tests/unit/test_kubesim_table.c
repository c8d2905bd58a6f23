/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/kubesim/table.c against the API server's own Table rows (tests/fixtures/pods): STATUS,
 * READY and RESTARTS of each pod. Programs are not libraries, so the sources are included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "tools/kubesim/json.c"
#include "tools/kubesim/kind.c"
#include "tools/kubesim/store.c"
#include "tools/kubesim/table.c"

const char *http_arg(const struct request *r, const char *name)
{
	(void)r;
	(void)name;
	return NULL;
}

static cJSON *load(const char *path)
{
	struct buf b = BUF_INIT;
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	cJSON *o = json_parse(buf_str(&b), b.len);
	buf_done(&b);
	assert_non_null(o);
	return o;
}

static void check_pod(const char *table_path)
{
	char pod_path[512], ready_text[32], restarts_text[32], status[128];
	int ready, total, restarts;
	size_t n = strlen(table_path) - strlen(".table.json");

	snprintf(pod_path, sizeof(pod_path), "%.*s.json", (int)n, table_path);
	_cleanup_(cJSON_Deletep) cJSON *table = load(table_path);
	_cleanup_(cJSON_Deletep) cJSON *pod = load(pod_path);
	const cJSON *cells = json_at(cJSON_GetArrayItem(json_at(table, "rows"), 0), "cells");
	table_pod_status(pod, status, sizeof(status), &ready, &total, &restarts);
	snprintf(ready_text, sizeof(ready_text), "%d/%d", ready, total);
	snprintf(restarts_text, sizeof(restarts_text), "%d", restarts);
	print_message("%s\n", pod_path);
	assert_string_equal(ready_text, cJSON_GetArrayItem(cells, 1)->valuestring);
	assert_string_equal(status, cJSON_GetArrayItem(cells, 2)->valuestring);
	/* "2 (5s ago)": the time is not in the pod alone */
	assert_memory_equal(restarts_text, cJSON_GetArrayItem(cells, 3)->valuestring,
			    strlen(restarts_text));
}

static void status_of_fixtures_is_the_servers(void **state)
{
	glob_t files;

	(void)state;
	assert_int_equal(glob("tests/fixtures/pods/*.table.json", 0, NULL, &files), 0);
	assert_true(files.gl_pathc > 20);
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_pod(files.gl_pathv[i]);
	globfree(&files);
}

static void age_as_kubectl_prints_it(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} ages[] = { { 0, "0s" },     { 119, "119s" },   { 120, "2m" },      { 125, "2m5s" },
		     { 600, "10m" },  { 10799, "179m" }, { 10800, "3h" },    { 28799, "7h59m" },
		     { 28800, "8h" }, { 172800, "2d" },  { 176400, "2d1h" }, { 691200, "8d" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		char text[32];
		age_format(ages[i].seconds, text, sizeof(text));
		assert_string_equal(text, ages[i].text);
	}
}

/* One global sequence, a no-op update is no change, and the ring forgets from the old end. */
static void store_counts_changes(void **state)
{
	const struct kind *pods = &kind_table[KIND_POD];
	uint64_t before = store_rv();

	(void)state;
	struct object *o = store_add(pods, "ns", "b", cJSON_CreateObject());
	store_add(pods, "ns", "a", cJSON_CreateObject());
	store_add(pods, "other", "a", cJSON_CreateObject());
	assert_int_equal(store_rv(), before + 3);
	struct object *const *range;
	assert_int_equal(store_range(pods, "ns", &range), 2);
	assert_string_equal(range[0]->name, "a");
	assert_false(store_update(o, store_json(o)));
	assert_int_equal(store_rv(), before + 3);
	cJSON *json = store_json(o);
	json_set_str(json_ensure(json, "spec"), "nodeName", "n");
	assert_true(store_update(o, json));
	const struct change *c = store_change(before + 4);
	assert_non_null(c);
	assert_int_equal(c->type, CHANGE_MODIFIED);
	assert_string_equal(json_member(c->now->fields, "spec.nodeName"), "n");
	assert_string_equal(json_member(c->before->fields, "spec.nodeName"), "");
	store_remove(o);
	assert_null(store_find(pods, "ns", "b"));
	assert_int_equal(store_change(before + 5)->type, CHANGE_DELETED);
	for (int i = 0; i < STORE_HISTORY; i++) {
		json = store_json(range[0]);
		json_set_int(json_ensure(json, "spec"), "n", i);
		store_update(range[0], json);
	}
	assert_null(store_change(before + 5));
	assert_int_equal(store_oldest_rv(), store_rv() - STORE_HISTORY + 1);
	store_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_of_fixtures_is_the_servers),
		cmocka_unit_test(age_as_kubectl_prints_it),
		cmocka_unit_test(store_counts_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
