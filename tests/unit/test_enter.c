/* SPDX-License-Identifier: Apache-2.0 */
/* fs/into/enter.c: which container is entered, and whether its main process has ended. */
#include "tests/unit/pods.h"

#include <errno.h>

#include "fs/into/enter.h"
#include "fs/registry.h"

static struct pod *pod_in(const char *phase, const char *state)
{
	char json[800];

	snprintf(
		json, sizeof(json),
		"{\"metadata\":{\"name\":\"weaver-x\",\"namespace\":\"n\",\"uid\":\"u\"},"
		"\"spec\":{\"containers\":[{\"name\":\"audit\"},{\"name\":\"weaver\"}]},"
		"\"status\":{\"phase\":\"%s\",\"containerStatuses\":[{\"name\":\"audit\",\"state\":"
		"{\"running\":{}}},{\"name\":\"weaver\",\"state\":%s}]}}",
		phase, state);
	return pods_parse(json);
}

static void running_weaver_is_entered_by_its_main_container(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod = pod_in("Running", "{\"running\":{}}");
	const struct registry_view w = { .name = "a", .pod = pod };
	struct command_target target;
	struct error e = ERROR_INIT;
	int code;

	(void)state;
	assert_int_equal(enter_target(&w, &target, &e), 0);
	assert_string_equal(target.namespace_, "n");
	assert_string_equal(target.pod, "weaver-x");
	assert_string_equal(target.container, "weaver");
	assert_int_equal(enter_main_ended(&w, &code, &e), -EAGAIN);
	assert_non_null(strstr(e.text, "lost on the server's side; the process may still run"));
}

static void pending_weaver_cannot_be_entered(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod =
		pod_in("Pending", "{\"waiting\":{\"reason\":\"ContainerCreating\"}}");
	const struct registry_view w = { .name = "a", .pod = pod };
	struct command_target target;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(enter_target(&w, &target, &e), -ENOTCONN);
	assert_string_equal(e.text, "a is not running: pending");
}

/* The phase is still Running: its sidecar runs. */
static void ended_weaver_has_the_exit_code_of_its_main_process(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod =
		pod_in("Running", "{\"terminated\":{\"exitCode\":5,\"startedAt\":"
				  "\"2026-01-01T00:00:01Z\"}}");
	const struct registry_view w = { .name = "a", .pod = pod };
	struct command_target target;
	struct error e = ERROR_INIT;
	int code = 0;

	(void)state;
	assert_int_equal(enter_target(&w, &target, &e), -ENOTCONN);
	assert_string_equal(e.text, "a is not running: failed");
	assert_int_equal(enter_main_ended(&w, &code, &e), 0);
	assert_int_equal(code, 5);
}

static void bare_pod_cannot_be_entered(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(BARE_POD);
	const struct registry_view w = { .name = "a", .pod = pod, .gone = true };
	struct command_target target;
	struct error e = ERROR_INIT;
	int code;

	(void)state;
	assert_int_equal(enter_target(&w, &target, &e), -ENOTCONN);
	assert_int_equal(enter_main_ended(&w, &code, &e), -EAGAIN);
	assert_non_null(strstr(e.text, "the weaver is gone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_weaver_is_entered_by_its_main_container),
		cmocka_unit_test(pending_weaver_cannot_be_entered),
		cmocka_unit_test(ended_weaver_has_the_exit_code_of_its_main_process),
		cmocka_unit_test(bare_pod_cannot_be_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
