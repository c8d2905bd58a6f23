/* SPDX-License-Identifier: Apache-2.0 */
/* Pods of every status, as a real API server gave them: words, counts, fields, and size. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <errno.h>

#include "k8s/pod.h"

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

static char *read_file(const char *path)
{
	struct buf out = BUF_INIT;
	char block[4096];
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	for (size_t n = fread(block, 1, sizeof(block), f); n; n = fread(block, 1, sizeof(block), f))
		buf_add(&out, block, n);
	fclose(f);
	return buf_steal(&out);
}

static struct pod *parse_file(const char *path)
{
	_cleanup_(cleanup_free) char *json = read_file(path);
	struct error e = ERROR_INIT;
	struct pod *pod = NULL;

	if (pod_parse(json, "weaver", &pod, &e) < 0)
		fail_msg("%s: %s", path, e.text);
	return pod;
}

static struct pod *parse_fixture(const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "tests/fixtures/pods/%s.json", name);
	return parse_file(buf_str(&path));
}

static const char *cell(const cJSON *table, const char *column)
{
	const cJSON *columns = cJSON_GetObjectItem(table, "columnDefinitions");
	const cJSON *rows = cJSON_GetObjectItem(table, "rows");
	const cJSON *cells = cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 0), "cells");

	for (int i = 0; i < cJSON_GetArraySize(columns); i++) {
		const cJSON *name = cJSON_GetObjectItem(cJSON_GetArrayItem(columns, i), "name");
		if (strcmp(cJSON_GetStringValue(name), column) == 0)
			return cJSON_GetStringValue(cJSON_GetArrayItem(cells, i));
	}
	fail_msg("no column %s", column);
	return NULL;
}

static void assert_as_table(const char *pod_path, const char *table_path)
{
	_cleanup_(cleanup_free) char *json = read_file(table_path);
	_cleanup_(cJSON_Deletep) cJSON *table = cJSON_Parse(json);
	_cleanup_(pod_unrefp) struct pod *pod = parse_file(pod_path);
	_cleanup_(buf_done) struct buf word = BUF_INIT, counts = BUF_INIT;
	int ready, total, restarts;

	pod_status_word(pod, &word);
	assert_string_equal(buf_str(&word), cell(table, "Status"));
	pod_ready_counts(pod, &ready, &total, &restarts);
	buf_printf(&counts, "%d/%d", ready, total);
	assert_string_equal(buf_str(&counts), cell(table, "Ready"));
	/* "2 (8s ago)" */
	assert_int_equal(restarts, atoi(cell(table, "Restarts")));
}

static void every_fixture_has_the_servers_words(void **state)
{
	_cleanup_(globfree) glob_t tables = { 0 };

	(void)state;
	assert_int_equal(glob("tests/fixtures/pods/*.table.json", 0, NULL, &tables), 0);
	assert_true(tables.gl_pathc > 30);
	for (size_t i = 0; i < tables.gl_pathc; i++) {
		_cleanup_(buf_done) struct buf pod = BUF_INIT;
		const char *path = tables.gl_pathv[i];
		buf_add(&pod, path, strlen(path) - strlen(".table.json"));
		buf_add_str(&pod, ".json");
		assert_as_table(buf_str(&pod), path);
	}
}

static void metrics_port_is_that_of_the_containers_environment(void **state)
{
	static const char *const env[][2] = {
		{ "{\"name\":\"A_METRICS_PORT\",\"value\":\"9190\"}", "9190" },
		{ "{\"name\":\"A_METRICS_PORT\",\"value\":\"1\"},"
		  "{\"name\":\"A_METRICS_PORT\",\"value\":\"2\"}",
		  "2" },
		{ "{\"name\":\"A_METRICS_PORT\",\"value\":\"65536\"}", "0" },
		{ "{\"name\":\"A_METRICS_PORT\",\"value\":\"9190x\"}", "0" },
		{ "{\"name\":\"A_METRICS_PORT\",\"valueFrom\":{}}", "0" },
		{ "{\"name\":\"A_METRICS_PORT_B\",\"value\":\"9190\"}", "0" },
		{ "{\"name\":\"PORT\",\"value\":\"9190\"},{\"value\":\"1\"}", "0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(env); i++) {
		_cleanup_(buf_done) struct buf json = BUF_INIT;
		buf_printf(&json,
			   "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"spec\":{"
			   "\"initContainers\":[{\"name\":\"i\",\"env\":[%s]}]}}",
			   env[i][0]);
		_cleanup_(pod_unrefp) struct pod *p = NULL;
		assert_int_equal(pod_parse(json.data, NULL, &p, NULL), 0);
		assert_int_equal(p->init[0].metrics_port, atoi(env[i][1]));
	}
}

static void fields_of_a_running_pod(void **state)
{
	_cleanup_(pod_unrefp) struct pod *p = parse_fixture("running.Running");

	(void)state;
	assert_string_equal(p->name, "weaver-01a20afc-423d-7bc9-a983-83cfcb139def");
	assert_string_equal(p->namespace_, "q9");
	assert_string_equal(p->uid, "0e225bf2-cf0f-4f9a-9e24-f10b2e1004df");
	assert_string_equal(p->resource_version, "4695");
	assert_string_equal(p->node, "node1");
	assert_string_equal(p->ip, "10.88.7.79");
	assert_string_equal(p->hostname, "running");
	assert_string_equal(p->unschedulable, "");
	assert_int_equal(p->created_s, 1795480642);
	assert_int_equal(p->deleted_s, 0);
	assert_int_equal(p->active_deadline_s, 172800);
	assert_int_equal(p->n_labels, 8);
	assert_string_equal(pod_label(p, "loom.dev/name"), "running");
	assert_string_equal(pod_label(p, "loom.dev/weaver-id"), p->name + strlen("weaver-"));
	assert_null(pod_label(p, "loom.dev"));
	assert_int_equal(p->n_annotations, 6);
	assert_string_equal(pod_annotation(p, "loom.dev/tags"), "{\"a\":\"b\"}");
	assert_null(pod_annotation(p, ""));
	assert_int_equal(p->n_init, 1);
	assert_true(p->init[0].restartable && p->init[0].started && p->init[0].ready);
	assert_string_equal(pod_main(p)->name, "weaver");
	assert_int_equal(strlen(pod_main(p)->id), strlen("containerd://") + 64);
	assert_int_equal(pod_main(p)->state, POD_STATE_RUNNING);
	assert_int_equal(pod_main(p)->started_s, p->created_s + 3);
	assert_string_equal(p->image, "localhost/weaver:1");
	assert_string_equal(p->workdir, "/workspace");
	assert_string_equal(p->command[2], "while :; do date; sleep 1; done");
	assert_null(p->command[3]);
	assert_null(p->args[0]);
	assert_int_equal(p->n_env, 2);
	assert_string_equal(p->env[1].key, "LOOM_WEAVER_ID");
	assert_string_equal(p->cpu_limit, "200m");
	assert_string_equal(p->memory_limit, "64Mi");
	assert_true(p->tty && p->pod_ready && p->initialized);
}

static void causes_of_failure_are_kept(void **state)
{
	(void)state;
	_cleanup_(pod_unrefp) struct pod *oom = parse_fixture("oom.OOMKilled");
	assert_string_equal(pod_main(oom)->reason, "OOMKilled");
	assert_int_equal(pod_main(oom)->exit_code, 137);
	assert_string_equal(oom->phase, "Failed");

	_cleanup_(pod_unrefp) struct pod *evicted = parse_fixture("evicted.Error");
	assert_string_equal(evicted->reason, "Evicted");
	assert_true(*evicted->message);

	_cleanup_(pod_unrefp) struct pod *start = parse_fixture("starterror.StartError");
	assert_int_equal(pod_main(start)->exit_code, 128);
	assert_int_equal(pod_main(start)->started_s, 0);

	_cleanup_(pod_unrefp) struct pod *stuck = parse_fixture("unschedulable.Pending");
	assert_true(strstr(stuck->unschedulable, "nodes are available"));
	assert_string_equal(pod_main(stuck)->id, "");
	assert_int_equal(pod_main(stuck)->state, POD_STATE_NONE);

	_cleanup_(pod_unrefp) struct pod *gated = parse_fixture("gated.SchedulingGated");
	assert_true(gated->scheduling_gated);

	_cleanup_(pod_unrefp) struct pod *image = parse_fixture("errimagepull.ErrImagePull");
	assert_string_equal(pod_main(image)->reason, "ErrImagePull");
	assert_true(*pod_main(image)->message);
}

static void assert_word(const char *json, const char *word, int ready, int total, int restarts)
{
	_cleanup_(buf_done) struct buf whole = BUF_INIT, out = BUF_INIT;
	_cleanup_(pod_unrefp) struct pod *pod = NULL;
	int counts[3];

	buf_printf(&whole, "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"%s}", json);
	assert_int_equal(pod_parse(whole.data, NULL, &pod, NULL), 0);
	pod_status_word(pod, &out);
	assert_string_equal(buf_str(&out), word);
	pod_ready_counts(pod, &counts[0], &counts[1], &counts[2]);
	assert_int_equal(counts[0], ready);
	assert_int_equal(counts[1], total);
	assert_int_equal(counts[2], restarts);
}

/* What the fixtures do not show; the expected words follow printPod of 1.34. */
static void words_of_rarer_states(void **state)
{
#define TWO                                                                                        \
	"},\"spec\":{\"containers\":[{\"name\":\"b\"},{\"name\":\"a\"}]},\"status\":{\"phase\":\"Running\""
#define DELETED ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\""
	(void)state;
	assert_word("}", "", 0, 0, 0);
	assert_word(DELETED TWO "}", "Terminating", 0, 2, 0);
	assert_word(DELETED "},\"status\":{\"phase\":\"Running\",\"reason\":\"NodeLost\"}",
		    "Unknown", 0, 0, 0);
	assert_word(DELETED "},\"status\":{\"phase\":\"Failed\"}", "Failed", 0, 0, 0);
	/* the kubelet sorts statuses by name: a comes first, though b is first in the spec */
	assert_word(
		TWO
		",\"containerStatuses\":["
		"{\"name\":\"a\",\"state\":{\"terminated\":{\"exitCode\":3}},\"restartCount\":1},"
		"{\"name\":\"b\",\"state\":{\"terminated\":{\"exitCode\":137,\"signal\":9}},"
		"\"restartCount\":2}]}",
		"ExitCode:3", 0, 2, 3);
#define DONE_AND_RUNNING                                                                           \
	",\"containerStatuses\":["                                                                 \
	"{\"name\":\"a\",\"state\":{\"terminated\":{\"reason\":\"Completed\"}}},"                  \
	"{\"name\":\"b\",\"ready\":true,\"state\":{\"running\":{}}}]"
	assert_word(TWO DONE_AND_RUNNING "}", "NotReady", 1, 2, 0);
	assert_word(TWO DONE_AND_RUNNING
		    ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}",
		    "Running", 1, 2, 0);
#define INIT                                                                                       \
	"},\"spec\":{\"initContainers\":[{\"name\":\"i\"},{\"name\":\"j\"}]},\"status\":{\"initContainerStatuses\":["
	assert_word(INIT
		    "{\"name\":\"i\",\"state\":{\"terminated\":{\"exitCode\":0}}},"
		    "{\"name\":\"j\",\"state\":{\"terminated\":{\"exitCode\":1,\"signal\":9}}}]}",
		    "Init:Signal:9", 0, 0, 0);
	assert_word(INIT "{\"name\":\"i\",\"state\":{\"terminated\":{\"exitCode\":2}},"
			 "\"restartCount\":4}]}",
		    "Init:ExitCode:2", 0, 0, 4);
	assert_word(INIT
		    "{\"name\":\"i\",\"state\":{\"terminated\":{\"exitCode\":0}}},"
		    "{\"name\":\"j\",\"state\":{\"waiting\":{\"reason\":\"PodInitializing\"}}}]}",
		    "Init:1/2", 0, 0, 0);
	assert_word(INIT "{\"name\":\"i\",\"state\":{}}]}", "Init:0/2", 0, 0, 0);
}

static void pod_parse_garbage_is_eproto(void **state)
{
	static const char *const bad[] = { "",
					   "{",
					   "[]",
					   "null",
					   "{}",
					   "{\"metadata\":{\"name\":\"x\"}}",
					   "{\"metadata\":{\"name\":\"\",\"uid\":\"u\"}}",
					   "{\"metadata\":{\"name\":1,\"uid\":\"u\"}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pod *pod = NULL;
		struct error e = ERROR_INIT;
		assert_int_equal(pod_parse(bad[i], NULL, &pod, &e), -EPROTO);
		assert_true(e.text[0]);
	}
}

static void pod_parse_wrong_types_gives_empty_fields(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod = NULL;

	(void)state;
	assert_int_equal(
		pod_parse(
			"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":[1,\"x\"],"
			"\"annotations\":{\"a\":1,\"b\":\"c\"},\"managedFields\":\"x\"},"
			"\"spec\":{\"containers\":[1,{\"name\":2,\"env\":[3],\"command\":[null,\"x\"]}],"
			"\"activeDeadlineSeconds\":1e300},\"status\":[]}",
			"weaver", &pod, NULL),
		0);
	assert_int_equal(pod->n_containers, 2);
	assert_string_equal(pod->containers[1].name, "");
	assert_int_equal(pod->n_annotations, 1);
	assert_int_equal(pod->active_deadline_s, 0);
	assert_string_equal(pod->phase, "");
}

static void large_annotations_of_other_tools_are_skipped(void **state)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;
	_cleanup_(pod_unrefp) struct pod *pod = NULL;

	(void)state;
	buf_add_str(&json,
		    "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":{\"loom.dev/a\":\"b\"},"
		    "\"annotations\":{\"kubectl.kubernetes.io/last-applied\":\"");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&json, 'x');
	buf_add_str(&json, "\",\"loom.dev/tags\":\"");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&json, 'y');
	buf_add_str(&json, "\",\"other.io/a\":\"small\"}}}");
	assert_int_equal(pod_parse(json.data, NULL, &pod, NULL), 0);
	assert_int_equal(pod->n_annotations, 2);
	assert_int_equal(strlen(pod_annotation(pod, "loom.dev/tags")), 5000);
	assert_string_equal(pod_annotation(pod, "other.io/a"), "small");
}

/* The default weaver: no command, no tags; as compact JSON, with its managedFields. */
static void default_weaver_has_at_most_1_kib(void **state)
{
	_cleanup_(cleanup_free) char *text = read_file("tests/fixtures/pods/running.Running.json");
	_cleanup_(cJSON_Deletep) cJSON *tree = cJSON_Parse(text);
	cJSON *spec = cJSON_GetObjectItem(tree, "spec");
	cJSON *weaver = cJSON_GetArrayItem(cJSON_GetObjectItem(spec, "containers"), 0);
	cJSON *metadata = cJSON_GetObjectItem(tree, "metadata");

	(void)state;
	cJSON_DeleteItemFromObject(weaver, "command");
	cJSON_DeleteItemFromArray(cJSON_GetObjectItem(weaver, "env"), 0);
	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(metadata, "annotations"), "loom.dev/tags");
	_cleanup_(cleanup_free) char *json = cJSON_PrintUnformatted(tree);
	assert_non_null(strstr(json, "\"managedFields\":[{"));

	_cleanup_(pod_unrefp) struct pod *pod = NULL;
	assert_int_equal(pod_parse(json, "weaver", &pod, NULL), 0);
	assert_string_equal(pod_main(pod)->name, "weaver");
	assert_in_range(pod_size(pod), sizeof(*pod), 1024);
}

static void pod_ref_keeps_the_pod(void **state)
{
	struct pod *pod = parse_fixture("accepted");
	struct pod *second = pod_ref(pod);

	(void)state;
	assert_ptr_equal(pod, second);
	pod_unref(pod);
	assert_string_equal(second->phase, "Pending");
	pod_unref(second);
	pod_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fixture_has_the_servers_words),
		cmocka_unit_test(metrics_port_is_that_of_the_containers_environment),
		cmocka_unit_test(fields_of_a_running_pod),
		cmocka_unit_test(causes_of_failure_are_kept),
		cmocka_unit_test(words_of_rarer_states),
		cmocka_unit_test(pod_parse_garbage_is_eproto),
		cmocka_unit_test(pod_parse_wrong_types_gives_empty_fields),
		cmocka_unit_test(large_annotations_of_other_tools_are_skipped),
		cmocka_unit_test(default_weaver_has_at_most_1_kib),
		cmocka_unit_test(pod_ref_keeps_the_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
