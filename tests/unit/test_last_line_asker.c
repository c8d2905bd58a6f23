/* SPDX-License-Identifier: Apache-2.0 */
/* fs/logs/last_line_asker.c: about whom it asks, how often, and what it keeps of the answer. */
#include "tests/unit/pods.h"

#include <errno.h>

#include "fs/config/config.h"
#include "fs/logs/last_line.h"
#include "fs/logs/last_line_asker.h"
#include "fs/registry.h"
#include "fs/weaverfs.h"
#include "tests/unit/fake_request.h"

/* ---- the registry: it knows every pod, and remembers one line ---- */

static struct pod *changed;
static struct event_list *events;
static struct last_line *kept;
static int removed; /* it knows none any more */

int registry_find_uid(struct registry *r, const char *uid, struct registry_view *ret)
{
	(void)r;
	(void)uid;
	if (removed)
		return -ENOENT;
	*ret = (struct registry_view){ .pod = pod_ref(changed),
				       .events = event_list_ref(events),
				       .last_line = last_line_ref(kept) };
	return 0;
}

void registry_view_done(struct registry_view *v)
{
	pod_unref(v->pod);
	event_list_unref(v->events);
	last_line_unref(v->last_line);
}

void registry_set_last_line(struct registry *r, const char *uid, struct last_line *line)
{
	(void)r;
	(void)uid;
	last_line_unref(kept);
	kept = last_line_ref(line);
}

static struct config config = { .namespace_ = (char[]){ "ns" }, .max_ttl_hours = 48 };
static struct weaverfs fs = { .config = &config };
static struct last_line_asker *asker;

static int set_up(void **state)
{
	(void)state;
	fake_requests_made = 0;
	removed = 0;
	return last_line_asker_new(&fs, &asker, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	last_line_asker_free(asker);
	last_line_unref(kept);
	kept = NULL;
	pod_unref(changed);
	changed = NULL;
	event_list_unref(events);
	events = NULL;
	assert_int_equal(fake_requests_out(), 0);
	return 0;
}

#define ENDED(code, reason, seconds)                                                               \
	"{\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":"             \
	"{\"terminated\":{\"exitCode\":" #code ",\"reason\":\"" reason "\",\"startedAt\":"         \
	"\"2026-01-01T00:00:00Z\",\"finishedAt\":\"2026-01-01T00:00:" #seconds "Z\"}}}]}"
#define SIDECAR(restarts, state)                                                                   \
	"{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"audit-sidecar\","           \
	"\"restartCount\":" #restarts ",\"state\":{" state "}}]}"
#define SIDECAR_FAILED                                                                             \
	"\"terminated\":{\"exitCode\":1,\"reason\":\"Error\",\"startedAt\":"                       \
	"\"2026-01-01T00:00:00Z\",\"finishedAt\":\"2026-01-01T00:00:01Z\"}"
#define SIDECAR_RUNS "\"running\":{\"startedAt\":\"2026-01-01T00:00:00Z\"}"

/* Sync says that pod n is in that status now. */
static void change(int n, const char *metadata, const char *status)
{
	char json[2048];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"weaver-%d\",\"namespace\":\"ns\",\"uid\":\"u%d\"%s},"
		 "\"spec\":{\"initContainers\":[{\"name\":\"audit-sidecar\",\"restartPolicy\":"
		 "\"Always\"}],\"containers\":[{\"name\":\"weaver\"}]},\"status\":%s}",
		 n, n, metadata, status);
	pod_unref(changed);
	changed = pods_parse(json);
	last_line_asker_changed(asker, changed->uid);
}

static void last_line_asker_changed_asks_once_about_a_failure(void **state)
{
	(void)state;
	change(1, "", ENDED(7, "Error", 30));
	assert_string_equal(fake_request()->path,
			    "/api/v1/namespaces/ns/pods/weaver-1/log?container=weaver"
			    "&tailLines=4&limitBytes=16384");
	change(1, "", ENDED(7, "Error", 30));
	assert_int_equal(fake_requests_made, 1);
	fake_answer(fake_request(), 200, 0, "first\nno space left\n\n  \n");
	assert_string_equal(kept->text, "no space left");
	change(1, "", ENDED(7, "Error", 30));
	assert_int_equal(fake_requests_made, 1);
}

static void last_line_asker_changed_asks_about_no_one_who_is_well(void **state)
{
	(void)state;
	change(1, "", "{\"phase\":\"Pending\"}");
	change(1, "", ENDED(0, "Completed", 30));
	change(1, ",\"deletionTimestamp\":\"2026-01-01T00:00:09Z\"", ENDED(7, "Error", 30));
	change(1, "", SIDECAR(0, SIDECAR_RUNS));
	change(1, "", "{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"m\"}");
	removed = 1;
	change(1, "", ENDED(7, "Error", 30));
	assert_int_equal(fake_requests_made, 0);
}

static void last_line_asker_changed_asks_about_an_end_at_once(void **state)
{
	(void)state;
	change(1, "", ENDED(0, "Completed", 04));
	fake_answer(fake_request(), 200, 0, "");
	assert_string_equal(kept->text, "");
}

static void last_line_asker_changed_asks_about_each_run_of_a_sidecar(void **state)
{
	(void)state;
	change(1, "", SIDECAR(0, SIDECAR_FAILED));
	assert_non_null(strstr(fake_request()->path, "container=audit-sidecar&"));
	fake_answer(fake_request(), 200, 0, "no BTF\n");
	change(1, "", SIDECAR(0, SIDECAR_FAILED));
	assert_int_equal(fake_requests_made, 1);
	change(1, "", SIDECAR(1, SIDECAR_FAILED));
	assert_int_equal(fake_requests_made, 2);
	fake_answer(fake_request(), 200, 0, "no BTF again");
	assert_string_equal(kept->text, "no BTF again");
}

static void last_line_asker_changed_asks_about_a_sidecar_that_does_not_get_well(void **state)
{
	static const char unhealthy[] =
		"{\"metadata\":{\"name\":\"e\",\"uid\":\"e1\"},\"involvedObject\":{\"uid\":\"u1\"},"
		"\"type\":\"Warning\",\"reason\":\"Unhealthy\",\"message\":\"503\",\"count\":%d}";
	char json[512];

	(void)state;
	snprintf(json, sizeof(json), unhealthy, 9);
	events = pods_add_event(NULL, json);
	change(1, "", SIDECAR(0, SIDECAR_RUNS));
	assert_int_equal(fake_requests_made, 0);
	snprintf(json, sizeof(json), unhealthy, 10);
	events = pods_add_event(events, json);
	last_line_asker_changed(asker, "u1");
	assert_int_equal(fake_requests_made, 1);
	fake_answer(fake_request(), 200, 0, "no capability\n");
	assert_string_equal(kept->text, "no capability");
	last_line_asker_changed(asker, "u1");
	assert_int_equal(fake_requests_made, 1);
}

/* An answer that is none leaves what there was, and the next change asks again. */
static void last_line_asker_answers_that_are_none_are_not_kept(void **state)
{
	static char much[16384 + 1];

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	change(1, "", ENDED(7, "Error", 30));
	fake_answer(fake_request(), 500, EIO, "");
	change(1, "", ENDED(7, "Error", 30));
	fake_answer(fake_request(), 200, 0,
		    "unable to retrieve container logs for containerd://0123");
	change(1, "", ENDED(7, "Error", 30));
	fake_answer(fake_request(), 200, 0, much);
	assert_null(kept);
	change(1, "", ENDED(7, "Error", 30));
	assert_int_equal(fake_requests_made, 4);
	fake_answer(fake_request(), 200, 0, much + 1000);
	assert_int_equal(strlen(kept->text), 256);
}

static void last_line_asker_changed_a_thousand_failures_are_bounded(void **state)
{
	unsigned most = 0;

	(void)state;
	for (int n = 0; n < 1000; n++)
		change(n, "", ENDED(7, "Error", 30));
	while (fake_requests_out()) {
		most = fake_requests_out() > most ? fake_requests_out() : most;
		fake_answer(fake_request(), 200, 0, "x\n");
	}
	assert_int_equal(most, 4);
	assert_int_equal(fake_requests_made, 68);
}

static void last_line_asker_free_cancels(void **state)
{
	(void)state;
	for (int n = 0; n < 9; n++)
		change(n, "", ENDED(7, "Error", 30));
	assert_int_equal(fake_requests_out(), 4); /* tear_down() looks for what is left */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(last_line_asker_changed_asks_once_about_a_failure),
		CASE(last_line_asker_changed_asks_about_no_one_who_is_well),
		CASE(last_line_asker_changed_asks_about_an_end_at_once),
		CASE(last_line_asker_changed_asks_about_each_run_of_a_sidecar),
		CASE(last_line_asker_changed_asks_about_a_sidecar_that_does_not_get_well),
		CASE(last_line_asker_answers_that_are_none_are_not_kept),
		CASE(last_line_asker_changed_a_thousand_failures_are_bounded),
		CASE(last_line_asker_free_cancels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
