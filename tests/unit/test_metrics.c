/* SPDX-License-Identifier: Apache-2.0 */
/* fs/metrics.c: counting, and a page that Prometheus would take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fs/metrics.h"
#include "k8s/base/cleanup.h"

static void metrics_add_counts_one_of_them(void **state)
{
	struct metrics m = { 0 };

	(void)state;
	metrics_add(&m, METRIC_DELETED, 2);
	metrics_add(&m, METRIC_DELETED, 1);
	assert_int_equal(metrics_get(&m, METRIC_DELETED), 3);
	assert_int_equal(metrics_get(&m, METRIC_CREATED), 0);
}

static void metrics_show_page_has_every_counter_once(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct metrics m = { 0 };
	size_t lines = 0;

	(void)state;
	metrics_add(&m, METRIC_LOG_GAPS, UINT64_MAX);
	metrics_show(&m, &out);
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	assert_int_equal(lines, 3 * METRIC_COUNT);
	assert_non_null(strstr(buf_str(&out), "# HELP loom_weavers_created_total Weavers created "
					      "by this mount.\n"
					      "# TYPE loom_weavers_created_total counter\n"
					      "loom_weavers_created_total 0\n"));
	assert_non_null(strstr(buf_str(&out), "\nweaverfs_log_gaps_total 18446744073709551615\n"));
}

static void metrics_gauge_may_be_negative(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	metrics_gauge(&out, "g", "What.", -5);
	assert_string_equal(buf_str(&out), "# HELP g What.\n# TYPE g gauge\ng -5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_add_counts_one_of_them),
		cmocka_unit_test(metrics_show_page_has_every_counter_once),
		cmocka_unit_test(metrics_gauge_may_be_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
