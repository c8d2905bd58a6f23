/* SPDX-License-Identifier: Apache-2.0 */
/* fs/attr/attr_state.c and fs/attr/attr_identity.c: single values of real pods. */
#include "tests/unit/attr_view.h"

static void check_fixture(const char *name, attr_view_show *show, const char *expected)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_load(name);
	struct attr_view v;

	attr_view_init(&v, pod, NULL);
	attr_view_check(&v, show, expected);
}

static void state_of_fixtures(void **state)
{
	(void)state;
	check_fixture("running.Running.json", status_show, "running\n");
	check_fixture("running.Running.json", reason_show, "");
	check_fixture("running.Running.json", exit_code_show, "");
	check_fixture("exit7.Error.json", status_show, "failed\n");
	check_fixture("exit7.Error.json", exit_code_show, "7\n");
	check_fixture("exit0.Completed.json", exit_code_show, "0\n");
	check_fixture("unsched-cpu.Pending.json", exit_code_show, "");
}

static void reason_show_uses_events(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_load("badvolume.ContainerCreating.json");
	_cleanup_(event_list_unrefp) struct event_list *events = pods_load_events("badvolume.x");
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct attr_view v;

	(void)state;
	attr_view_init(&v, pod, NULL);
	v.registered.events = events;
	assert_int_equal(reason_show(&v.view, &out, NULL), 0);
	assert_non_null(strstr(buf_str(&out), "FailedMount: "));
	buf_reset(&out);
	assert_int_equal(events_show(&v.view, &out, NULL), 0);
	assert_non_null(strstr(buf_str(&out), "\tWarning\tFailedMount\t8\t"));
}

static void identity_of_fixtures(void **state)
{
	(void)state;
	check_fixture("running.Running.json", id_show, "01a20afc-423d-7bc9-a983-83cfcb139def\n");
	check_fixture("running.Running.json", pod_show,
		      "weaver-01a20afc-423d-7bc9-a983-83cfcb139def\n");
	check_fixture("running.Running.json", node_show, "node1\n");
	check_fixture("running.Running.json", ip_show, "10.88.7.79\n");
	check_fixture("running.Running.json", owner_show, "1000:1000\n");
	check_fixture("unsched-cpu.Pending.json", node_show, "");
	check_fixture("unsched-cpu.Pending.json", ip_show, "");
	attr_view_check_pod(BARE_POD, id_show, "u\n");
	attr_view_check_pod(BARE_POD, owner_show, "7:8\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_of_fixtures),
		cmocka_unit_test(reason_show_uses_events),
		cmocka_unit_test(identity_of_fixtures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
