/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/status.c: the errno table, row by row, with words that a real API server has said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/status.h"

struct row {
	int http;
	const char *reason, *cause, *kind, *message;
	int errnum;
	bool retryable;
};

/* clang-format off */
static const struct row rows[] = {
	{ 400, "BadRequest", NULL, NULL, "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.x\"", EINVAL, false },
	{ 400, "", NULL, NULL, "admission webhook \"w.example\" denied the request: no", EPERM, false },
	{ 403, "Forbidden", NULL, NULL, "admission webhook \"w.example\" denied the request: no", EPERM, false },
	{ 401, "Unauthorized", NULL, NULL, "Unauthorized", EACCES, false },
	{ 403, "Forbidden", NULL, "pods", "pods \"w\" is forbidden: exceeded quota: weaver-quota, requested: limits.cpu=1,limits.memory=2Gi, used: limits.cpu=64, limited: limits.cpu=64", EDQUOT, false },
	{ 403, "Forbidden", NULL, "pods", "pods \"w\" is forbidden: failed quota: weaver-quota: must specify limits.cpu for: weaver", EDQUOT, false },
	{ 403, "Forbidden", NULL, "pods", "pods \"w\" is forbidden: violates PodSecurity \"baseline:latest\": non-default capabilities (container \"audit-sidecar\" must not include \"BPF\", \"PERFMON\" in securityContext.capabilities.add)", EPERM, false },
	{ 422, "Invalid", "", NULL, "pods \"w\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: only audit-sidecar", EPERM, false },
	{ 403, "Forbidden", NULL, NULL, "pods \"w\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", EPERM, false },
	{ 403, "Forbidden", "NamespaceTerminating", "pods", "pods \"w\" is forbidden: unable to create new content in namespace q because it is being terminated", EROFS, false },
	{ 403, "Forbidden", NULL, "pods", "pods \"w\" is forbidden: error looking up service account q7/default: serviceaccount \"default\" not found", EBUSY, true },
	{ 403, "Forbidden", NULL, "pods", "pods is forbidden: User \"system:serviceaccount:q7:x\" cannot list resource \"pods\" in API group \"\" in the namespace \"q7\"", EACCES, false },
	{ 403, "Forbidden", NULL, "pods", "pods \"w\" is forbidden: maximum cpu usage per Container is 1, but limit is 2", EPERM, false },
	{ 403, "", NULL, NULL, "blocked by the proxy", EACCES, false },
	{ 404, "NotFound", NULL, "namespaces", "namespaces \"X\" not found", ENOENT, false },
	{ 404, "NotFound", NULL, "pods/log", "the server could not find the requested resource ( pods/log w)", ENOENT, false },
	{ 405, "MethodNotAllowed", NULL, NULL, "the server does not allow this method on the requested resource", EOPNOTSUPP, false },
	{ 406, "NotAcceptable", NULL, NULL, "x", EPROTO, false },
	{ 408, "", NULL, NULL, "x", ETIMEDOUT, false },
	{ 409, "AlreadyExists", NULL, "pods", "pods \"w\" already exists", EEXIST, false },
	{ 409, "AlreadyExists", NULL, "pods", "object is being deleted: pods \"w\" already exists", EBUSY, false },
	{ 409, "Conflict", NULL, "resourcequotas", "Operation cannot be fulfilled on resourcequotas \"weaver-quota\": the object has been modified; please apply your changes to the latest version and try again", EBUSY, true },
	{ 409, "Conflict", NULL, "pods", "Operation cannot be fulfilled on pods \"w\": the object has been modified", EBUSY, false },
	{ 410, "Expired", NULL, NULL, "too old resource version: 23209 (23330)", ESTALE, false },
	{ 413, "RequestEntityTooLarge", NULL, NULL, "Request entity too large: limit is 3145728", EFBIG, false },
	{ 415, "UnsupportedMediaType", NULL, NULL, "x", EPROTO, false },
	{ 422, "Invalid", "FieldValueInvalid", "Pod", "Pod \"w\" is invalid: spec.containers[0].resources.requests: Invalid value: \"500m\": must be less than or equal to cpu limit of 100m", EINVAL, false },
	{ 429, "TooManyRequests", NULL, NULL, "Too many requests, please try again later.", EBUSY, true },
	{ 500, "InternalError", NULL, NULL, "Internal error occurred: failed calling webhook \"w.example\": connection refused", EIO, false },
	{ 500, "", NULL, NULL, "etcdserver: request timed out", EIO, false },
	{ 502, "", NULL, NULL, "bad gateway", EIO, false },
	{ 503, "ServiceUnavailable", NULL, NULL, "apiserver not ready", EIO, false },
	{ 504, "Timeout", "ResourceVersionTooLarge", NULL, "Timeout: Too large resource version: 99999, current: 5", ETIMEDOUT, false },
	{ 302, "", NULL, NULL, "moved", EIO, false },
	{ 418, "", NULL, NULL, "teapot", EIO, false },
	/* Words that users choose do not decide where the server has said more. */
	{ 404, "NotFound", NULL, "pods", "pods \"exceeded quota:\" not found", ENOENT, false },
	{ 422, "Invalid", NULL, "Pod", "Pod \"w\" is invalid: metadata.labels: Invalid value: \"violates PodSecurity\"", EINVAL, false },
};
/* clang-format on */

static void add_member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	buf_add_json(b, value, strlen(value));
	buf_add_char(b, ',');
}

static void parse_row(struct status *s, const struct row *row)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_add_str(&b, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",");
	add_member(&b, "message", row->message);
	add_member(&b, "reason", row->reason);
	buf_add_str(&b, "\"details\":{");
	add_member(&b, "kind", row->kind ? row->kind : "");
	buf_add_str(&b, "\"causes\":[{\"message\":\"first has none\"}");
	if (row->cause) {
		buf_add_str(&b, ",{");
		add_member(&b, "reason", row->cause);
		buf_add_str(&b, "\"field\":\"x\"}");
	}
	buf_printf(&b, "]},\"code\":%d}", row->http);
	status_parse(s, row->http, b.data, b.len);
}

static void status_errno_measured_words_fit_the_contract(void **state)
{
	struct error e;
	struct status s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		parse_row(&s, &rows[i]);
		assert_string_equal(s.message, rows[i].message);
		if (status_errno(&s) != rows[i].errnum || status_retryable(&s) != rows[i].retryable)
			fail_msg("%d %s: %s, retryable %d", s.code, s.message,
				 error_name(status_errno(&s)), status_retryable(&s));
		assert_int_equal(status_error(&s, &e), -rows[i].errnum);
		assert_string_equal(e.text, rows[i].message);
	}
}

static void status_parse_status_reads_all_fields(void **state)
{
	static const char body[] =
		"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"m\",\"reason\":\"TooManyRequests\","
		"\"details\":{\"name\":\"x\",\"kind\":\"pods\",\"causes\":[{\"reason\":\"R\"}],"
		"\"retryAfterSeconds\":7},\"code\":429}";
	struct status s;

	(void)state;
	status_parse(&s, 429, body, strlen(body));
	assert_int_equal(s.code, 429);
	assert_string_equal(s.reason, "TooManyRequests");
	assert_string_equal(s.kind, "pods");
	assert_string_equal(s.cause, "R");
	assert_string_equal(s.message, "m");
	assert_int_equal(s.retry_after_s, 7);
}

static void status_parse_text_is_the_message(void **state)
{
	struct status s;

	(void)state;
	status_parse(&s, 404, "404 page not found\n", 19);
	assert_string_equal(s.message, "404 page not found");
	assert_string_equal(s.reason, "");
	assert_int_equal(status_errno(&s), ENOENT);
	status_parse(&s, 502, "", 0);
	assert_string_equal(s.message, "the server answered HTTP 502 without a word");
	status_parse(&s, 502, "{\"kind\":\"Pod\"}", 14);
	assert_string_equal(s.message, "{\"kind\":\"Pod\"}");
	status_parse(&s, 500, "{\"kind\":\"Status\",\"reason\":\"Odd\"}", 32);
	assert_string_equal(s.message, "Odd");
}

static void status_parse_hostile_text_is_escaped_and_cut(void **state)
{
	static char body[4000];
	struct status s;

	(void)state;
	status_parse(&s, 500, "\033[31mred\r\nx", 11);
	assert_null(strchr(s.message, '\033'));
	assert_null(strchr(s.message, '\n'));
	for (size_t i = 0; i + 1 < sizeof(body); i += 2)
		memcpy(body + i, "\xc3\xa4", 2);
	status_parse(&s, 500, body, sizeof(body));
	assert_int_equal(strlen(s.message),
			 sizeof(s.message) - 2); /* odd size: a whole character less */
	status_parse(&s, 500, "{\"kind\":\"Status\",\"details\":{\"retryAfterSeconds\":1e300}}",
		     55);
	assert_int_equal(s.retry_after_s, 86400);
}

static void status_retryable_503_needs_a_time(void **state)
{
	struct status s = { .code = 503, .retry_after_s = 1 };

	(void)state;
	assert_true(status_retryable(&s));
	s.retry_after_s = 0;
	assert_false(status_retryable(&s));
	s = (struct status){ .code = 504, .retry_after_s = 1 };
	assert_false(status_retryable(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_errno_measured_words_fit_the_contract),
		cmocka_unit_test(status_parse_status_reads_all_fields),
		cmocka_unit_test(status_parse_text_is_the_message),
		cmocka_unit_test(status_parse_hostile_text_is_escaped_and_cut),
		cmocka_unit_test(status_retryable_503_needs_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
