/* SPDX-License-Identifier: Apache-2.0 */
/* fs/weaver/podspec_secret.c and the pod's references to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fs/weaver/podspec.h"

#define ID "01a20af6-a5bf-7728-a96d-8d01a22833db"

static struct podspec_pair pairs[] = { { (char[]){ "TOKEN" }, (char[]){ "s3cret" } },
				       { (char[]){ "EMPTY" }, (char[]){ "" } } };

static void build_is_one_block_with_base64(void **state)
{
	const struct podspec s = { .secrets = pairs, .n_secrets = 2 };
	_cleanup_(buf_wipe) struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(podspec_secret_build(&s, ID, "u\"1", &out, NULL), 0);
	assert_string_equal(
		buf_str(&out),
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"immutable\":true,"
		"\"metadata\":{\"name\":\"weaver-" ID "-secrets\",\"labels\":{\"loom.dev/managed\":"
		"\"true\",\"loom.dev/weaver-id\":\"" ID "\"},\"ownerReferences\":[{\"apiVersion\":"
		"\"v1\",\"kind\":\"Pod\",\"name\":\"weaver-" ID "\",\"uid\":\"u\\\"1\"}]},"
		"\"data\":{\"TOKEN\":\"czNjcmV0\",\"EMPTY\":\"\"}}");
	assert_true(out.cap > out.len);
}

/* A block that grew would have left a copy of the first half behind. */
static void build_never_grows_its_block(void **state)
{
	char value[100001];
	struct podspec_pair big = { (char[]){ "K" }, value };
	const struct podspec s = { .secrets = &big, .n_secrets = 1 };
	struct buf out = BUF_INIT;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(buf_reserve(&out, 1 << 20), 0);
	const char *block = out.data;
	assert_int_equal(podspec_secret_build(&s, ID, "u", &out, NULL), 0);
	assert_ptr_equal(out.data, block);
	buf_wipe(&out);
	assert_null(out.data);
}

static void pod_refers_to_keys_and_has_no_values(void **state)
{
	struct podspec s = { .image = (char[]){ "x" }, .secrets = pairs, .n_secrets = 2 };
	const struct podspec_identity id = { .id = ID, .name = "a", .owner_user_id = "1" };
	struct config c = { .namespace_ = (char[]){ "n" },
			    .org_id = (char[]){ "o" },
			    .default_ttl_hours = 4,
			    .max_ttl_hours = 48 };
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(podspec_build(&s, &id, &c, &out, NULL), 0);
	assert_non_null(strstr(buf_str(&out),
			       "{\"name\":\"TOKEN\",\"valueFrom\":{\"secretKeyRef\":{"
			       "\"name\":\"weaver-" ID "-secrets\",\"key\":\"TOKEN\"}}}"));
	assert_null(strstr(buf_str(&out), "s3cret"));
	assert_null(strstr(buf_str(&out), "czNjcmV0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_is_one_block_with_base64),
		cmocka_unit_test(build_never_grows_its_block),
		cmocka_unit_test(pod_refers_to_keys_and_has_no_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
