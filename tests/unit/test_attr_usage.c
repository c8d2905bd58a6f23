/* SPDX-License-Identifier: Apache-2.0 */
/* fs/attr/attr_usage.c: PodMetrics, and what else may come. */
#include "tests/unit/attr_view.h"

#include <errno.h>

#include "k8s/request.h"

static int render(int http, int code, const char *body, const char *expected)
{
	struct reply reply = { .r = -code, .http = http, .body = body, .len = strlen(body) };
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct error e = ERROR_INIT;

	if (code)
		error_set(&reply.error, code, "refused");
	int r = attr_usage_render(&reply, &out, &e);
	assert_int_equal(e.code, -r);
	if (r == 0)
		assert_string_equal(buf_str(&out), expected);
	return r;
}

static void usage_is_the_sum_of_the_containers(void **state)
{
	(void)state;
	assert_int_equal(
		render(200, 0,
		       "{\"containers\":[{\"usage\":{\"cpu\":\"250m\",\"memory\":\"1Ki\"}},"
		       "{\"usage\":{\"cpu\":\"1\",\"memory\":\"2000\"}}]}",
		       "cpu_millicores=1250\nmemory_bytes=3024\n"),
		0);
	assert_int_equal(render(200, 0, "{\"containers\":[]}",
				"cpu_millicores=0\nmemory_bytes=0\n"),
			 0);
}

static void usage_without_a_metrics_server_is_enodata(void **state)
{
	(void)state;
	assert_int_equal(render(404, ENOENT, "404 page not found\n", ""), -ENODATA);
	assert_int_equal(render(403, EACCES, "{}", ""), -EACCES);
}

static void usage_that_is_no_metrics_is_eproto(void **state)
{
	static const char *const bodies[] = {
		"",
		"hello",
		"{}",
		"[]",
		"{\"containers\":3}",
		"{\"containers\":[{}]}",
		"{\"containers\":[{\"usage\":{\"cpu\":\"1\"}}]}",
		"{\"containers\":[{\"usage\":{\"cpu\":1,\"memory\":2}}]}",
		"{\"containers\":[{\"usage\":{\"cpu\":\"x\",\"memory\":\"1\"}}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		assert_int_equal(render(200, 0, bodies[i], ""), -EPROTO);
}

static void usage_path_names_the_pod(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod =
		pods_parse("{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\"}}");
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct attr_view v;

	(void)state;
	attr_view_init(&v, pod, NULL);
	assert_int_equal(attr_usage_path(&v.view, &path, NULL), 0);
	assert_string_equal(buf_str(&path), "/apis/metrics.k8s.io/v1beta1/namespaces/ns/pods/p");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_is_the_sum_of_the_containers),
		cmocka_unit_test(usage_without_a_metrics_server_is_enodata),
		cmocka_unit_test(usage_that_is_no_metrics_is_eproto),
		cmocka_unit_test(usage_path_names_the_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
