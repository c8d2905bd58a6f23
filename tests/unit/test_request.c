/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/request.c: what is tried again and what is not, until when, and what is said in the end. */
#include "request_fixture.h"

static const char service_account[] =
	"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
	"{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"code\":403,\"message\":\"error looking up service "
	"account n/default: serviceaccount \\\"default\\\" not found\"}";
static const char quota_race[] =
	"HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n"
	"{\"kind\":\"Status\",\"reason\":\"Conflict\",\"code\":409,\"message\":\"Operation cannot be "
	"fulfilled on resourcequotas\",\"details\":{\"kind\":\"resourcequotas\"}}";

static void request_start_success_gives_body_and_warning(void **state)
{
	(void)state;
	setup({ REPLY("200 OK",
		      "Warning: 299 - \"would \\\"violate\\\"\"\r\nWarning: 299 - \"b\"\r\n", "5",
		      "hello") });
	post(&t.fixture, &t.call, "/api/v1/pods?x=%20", "{\"a\":1}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(t.call.http, 200);
	assert_int_equal(t.call.status_code, 0);
	assert_string_equal(t.call.body, "hello");
	assert_string_equal(t.call.warning, "would \"violate\"; b");
	assert_true(http_server_saw(&t.server, "POST /api/v1/pods?x=%20 HTTP/1.1\r\n"));
	assert_true(http_server_saw(&t.server, "User-Agent: weaverfs/test\r\n"));
	assert_true(http_server_saw(&t.server, "Content-Type: application/json\r\n"));
	assert_true(http_server_saw(&t.server, "\r\n\r\n{\"a\":1}"));
	assert_false(http_server_saw(&t.server, "Expect"));
	assert_true(client_latency_ms(t.fixture.client) >= 0);
	teardown();
}

static void request_start_methods_are_sent(void **state)
{
	(void)state;
	setup({ OK2 });
	call_init(&t.call, &t.fixture, REQUEST_PATCH, "/p", "[]");
	t.call.spec.content_type = "application/json-patch+json";
	t.call.spec.idempotent = true;
	call_run(&t.call);
	assert_int_equal(t.call.r, 0);
	call_init(&t.call, &t.fixture, REQUEST_DELETE, "/d", "{}");
	call_run(&t.call);
	call_init(&t.call, &t.fixture, REQUEST_DELETE, "/e", NULL);
	call_run(&t.call);
	call_init(&t.call, &t.fixture, REQUEST_POST, "/f", NULL);
	call_run(&t.call);
	assert_true(http_server_saw(&t.server, "PATCH /p "));
	assert_true(http_server_saw(&t.server, "Content-Type: application/json-patch+json\r\n"));
	assert_true(http_server_saw(&t.server, "DELETE /d "));
	assert_true(http_server_saw(&t.server, "DELETE /e "));
	assert_true(http_server_saw(&t.server, "POST /f "));
	/* All of them over one connection. */
	assert_int_equal(t.server.sockets.n, 1);
	teardown();
}

static void request_start_not_found_is_not_retried(void **state)
{
	uint64_t calls, failures;

	(void)state;
	setup({ "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n"
		"{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,\"message\":\"pods \\\"x\\\" not "
		"found\"}",
		HTTP_CLOSE });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -ENOENT);
	assert_int_equal(t.call.status_code, 404);
	assert_false(t.call.ambiguous);
	assert_string_equal(t.call.error, "pods \"x\" not found");
	assert_int_equal(http_server_requests(&t.server), 1);
	client_counts(t.fixture.client, &calls, &failures);
	assert_int_equal(calls, 1);
	assert_int_equal(failures, 1);
	teardown();
}

static void request_start_429_waits_as_told(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("429 Too Many Requests", "Retry-After: 1\r\n", "4", "wait") }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_in_range(elapsed_ms(start_ns), 1000, 2999);
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

static void request_start_429_beyond_deadline_fails_at_once(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("429 Too Many Requests", "Retry-After: 30\r\n", "4", "wait") });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EBUSY);
	assert_false(t.call.ambiguous);
	assert_string_equal(t.call.error, "wait");
	assert_true(elapsed_ms(start_ns) < 2500);
	teardown();
}

static void request_start_503_with_retry_after_is_retried_for_post(void **state)
{
	(void)state;
	setup({ REPLY("503 Service Unavailable", "Retry-After: 1\r\n", "0", "") }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

static void request_start_500_is_retried_for_idempotent_only(void **state)
{
	(void)state;
	setup({ REPLY("500 Internal Server Error", "", "4", "oops") },
	      { REPLY("502 Bad Gateway", "", "0", "") }, { OK2 },
	      { REPLY("500 Internal Server Error", "", "4", "oops") });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 3);
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EIO);
	assert_true(t.call.ambiguous); /* etcd may have it */
	assert_string_equal(t.call.error, "oops");
	assert_int_equal(http_server_requests(&t.server), 4);
	teardown();
}

static void request_start_500_for_ever_ends_before_deadline(void **state)
{
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	setup({ REPLY("500 Internal Server Error", "", "4", "oops") });
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.timeout_ms = 700;
	call_run(&t.call);
	assert_int_equal(t.call.r, -EIO);
	assert_true(elapsed_ms(start_ns) < 2500);
	assert_in_range(http_server_requests(&t.server), 3, 10);
	teardown();
}

static void request_start_missing_service_account_is_retried(void **state)
{
	(void)state;
	setup({ service_account, HTTP_CLOSE }, { service_account, HTTP_CLOSE }, { OK2 });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 3);
	teardown();
}

static void request_start_quota_race_is_retried_five_times(void **state)
{
	(void)state;
	setup({ quota_race, HTTP_CLOSE });
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, -EBUSY);
	assert_false(t.call.ambiguous);
	assert_int_equal(http_server_requests(&t.server), 6);
	teardown();
}

static void request_start_redirect_is_not_followed(void **state)
{
	(void)state;
	setup({ REPLY("302 Found", "Location: http://127.0.0.1:1/\r\n", "0", "") }, { OK2 });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EIO);
	assert_int_equal(t.call.http, 302);
	teardown();
}

static void request_start_unauthorized_without_credentials_says_so(void **state)
{
	(void)state;
	setup({ REPLY("401 Unauthorized", "", "12", "Unauthorized") });
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EACCES);
	assert_int_equal(t.call.http, 401);
	assert_non_null(strstr(t.call.error, "Unauthorized: "));
	assert_non_null(strstr(t.call.error, "gives no credentials"));
	assert_int_equal(http_server_requests(&t.server), 1);
	teardown();
}

static struct call next;

static void start_next(struct call *c)
{
	(void)c;
	call_begin(&next.job);
}

static void request_start_from_on_done_works(void **state)
{
	(void)state;
	setup({ OK2 });
	call_init(&next, &t.fixture, REQUEST_GET, "/y", NULL);
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.on_end = start_next;
	call_run(&t.call);
	call_wait(&next);
	assert_int_equal(next.r, 0);
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_start_success_gives_body_and_warning),
		cmocka_unit_test(request_start_methods_are_sent),
		cmocka_unit_test(request_start_not_found_is_not_retried),
		cmocka_unit_test(request_start_429_waits_as_told),
		cmocka_unit_test(request_start_429_beyond_deadline_fails_at_once),
		cmocka_unit_test(request_start_503_with_retry_after_is_retried_for_post),
		cmocka_unit_test(request_start_500_is_retried_for_idempotent_only),
		cmocka_unit_test(request_start_500_for_ever_ends_before_deadline),
		cmocka_unit_test(request_start_missing_service_account_is_retried),
		cmocka_unit_test(request_start_quota_race_is_retried_five_times),
		cmocka_unit_test(request_start_redirect_is_not_followed),
		cmocka_unit_test(request_start_unauthorized_without_credentials_says_so),
		cmocka_unit_test(request_start_from_on_done_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
