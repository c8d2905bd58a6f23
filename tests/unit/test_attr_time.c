/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr_time.c: what can be written into ttl and expires, and which annotations come of it. The
 * weaver was made at 00:00:00Z for 4 hours (48 at most); now it is 01:00:00Z.
 */
#include "tests/unit/attr_view.h"

#include <errno.h>

/* In place of fs/life/store.c: the annotations of one store. */
struct store {
	char expires[64], lifetime[64];
	int n;
};

int store_annotation(struct store_ctx *c, const char *key, const char *value)
{
	bool expires = strcmp(key, LOOM_ANNOTATION_EXPIRES) == 0;

	assert_true(expires || strcmp(key, LOOM_ANNOTATION_LIFETIME) == 0);
	snprintf(expires ? c->store->expires : c->store->lifetime, 64, "%s", value);
	c->store->n++;
	return 0;
}

int store_label(struct store_ctx *c, const char *key, const char *value)
{
	fail_msg("label %s=%s of %p", key, value, (void *)c);
	return 0;
}

#define POD(annotations, rest)                                                                     \
	"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"creationTimestamp\":"                       \
	"\"2026-01-01T00:00:00Z\",\"annotations\":{" annotations "}}" rest "}"
#define PLAIN POD("", "")

typedef int store_function(struct store_ctx *c, const char *in, size_t len, struct error *e);

static void check_bytes(store_function *store, const char *json, const char *in, size_t len, int r,
			const char *expires, const char *lifetime)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	struct store result = { 0 };
	struct error e = ERROR_INIT;
	struct attr_view v;

	attr_view_init(&v, pod, NULL);
	struct store_ctx c = { .view = v.view, .store = &result };
	int got = store(&c, in, len, &e);
	if (got != r || strcmp(result.expires, expires) != 0 ||
	    strcmp(result.lifetime, lifetime) != 0)
		fail_msg("\"%s\": %d \"%s\" \"%s\" (%s)", in, got, result.expires, result.lifetime,
			 e.text);
	assert_int_equal(result.n, r == 0 ? 2 : 0);
	assert_int_equal(e.code, -r);
	assert_int_equal(r == 0, e.text[0] == '\0');
}

static void check(store_function *store, const char *json, const char *in, int r,
		  const char *expires, const char *lifetime)
{
	check_bytes(store, json, in, strlen(in), r, expires, lifetime);
}

static void ttl_store_absolute_counts_from_now(void **state)
{
	(void)state;
	check(ttl_store, PLAIN, "3600", 0, "2026-01-01T02:00:00Z", "2");
	check(ttl_store, PLAIN, "3601", 0, "2026-01-01T02:00:01Z", "3");
	check(ttl_store, PLAIN, "90m", 0, "2026-01-01T02:30:00Z", "3");
	check(ttl_store, PLAIN, "8h", 0, "2026-01-01T09:00:00Z", "9");
	check(ttl_store, PLAIN, "1d", 0, "2026-01-02T01:00:00Z", "25");
	check(ttl_store, PLAIN, "1h30m", 0, "2026-01-01T02:30:00Z", "3");
	check(ttl_store, PLAIN, "1", 0, "2026-01-01T01:00:01Z", "2");
}

static void ttl_store_relative_counts_from_expiry(void **state)
{
	(void)state;
	check(ttl_store, PLAIN, "+1h", 0, "2026-01-01T05:00:00Z", "5");
	check(ttl_store, PLAIN, "-30m", 0, "2026-01-01T03:30:00Z", "4");
	check(ttl_store, POD("\"loom.dev/expires-at\":\"2026-01-01T10:00:00Z\"", ""), "+1h", 0,
	      "2026-01-01T11:00:00Z", "11");
	check(ttl_store, PLAIN, "-3h", -EINVAL, "", "");
	check(ttl_store, PLAIN, "-9h", -EINVAL, "", "");
}

static void ttl_store_limit_is_erange(void **state)
{
	(void)state;
	check(ttl_store, PLAIN, "47h", 0, "2026-01-03T00:00:00Z", "48");
	check(ttl_store, PLAIN, "47h1s", -ERANGE, "", "");
	check(ttl_store, PLAIN, "+44h", 0, "2026-01-03T00:00:00Z", "48");
	check(ttl_store, PLAIN, "+44h1s", -ERANGE, "", "");
	check(ttl_store, PLAIN, "3000d", -ERANGE, "", "");
	/* the deadline cannot be raised */
	check(ttl_store,
	      POD("", ",\"spec\":{\"activeDeadlineSeconds\":7200},"
		      "\"status\":{\"startTime\":\"2026-01-01T00:00:00Z\"}"),
	      "1h1s", -ERANGE, "", "");
}

static void ttl_store_nonsense_is_einval(void **state)
{
	static const char *const bad[] = { "",     "0", "-5",   "abc", "1x",   "h", "1.5h",
					   "1h1h", "+", "--1h", "5 h", "1m1h", "0s" };
	char longer[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		/* -5 is relative: five seconds less, and well */
		if (strcmp(bad[i], "-5") == 0)
			check(ttl_store, PLAIN, bad[i], 0, "2026-01-01T03:59:55Z", "4");
		else
			check(ttl_store, PLAIN, bad[i], -EINVAL, "", "");
	}
	memset(longer, '1', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	check(ttl_store, PLAIN, longer, -EINVAL, "", "");
	check_bytes(ttl_store, PLAIN, "1h\0x", 4, -EINVAL, "", "");
}

static void expires_store_same_limits(void **state)
{
	(void)state;
	check(expires_store, PLAIN, "2026-01-01T06:00:00Z", 0, "2026-01-01T06:00:00Z", "6");
	check(expires_store, PLAIN, "2026-01-01T07:00:00+01:00", 0, "2026-01-01T06:00:00Z", "6");
	check(expires_store, PLAIN, "2026-01-01T06:00:00.1Z", 0, "2026-01-01T06:00:01Z", "7");
	check(expires_store, PLAIN, "2026-01-03T00:00:00Z", 0, "2026-01-03T00:00:00Z", "48");
	check(expires_store, PLAIN, "2026-01-03T00:00:01Z", -ERANGE, "", "");
	check(expires_store, PLAIN, "2026-01-01T01:00:00Z", -EINVAL, "", "");
	check(expires_store, PLAIN, "2025-01-01T00:00:00Z", -EINVAL, "", "");
	check(expires_store, PLAIN, "8h", -EINVAL, "", "");
	check(expires_store, PLAIN, "", -EINVAL, "", "");
}

static void time_shows_of_a_live_weaver(void **state)
{
	(void)state;
	attr_view_check_pod(PLAIN, ttl_show, "10800\n");
	attr_view_check_pod(PLAIN, expires_show, "2026-01-01T04:00:00Z\n");
	attr_view_check_pod(PLAIN, created_show, "2026-01-01T00:00:00Z\n");
	attr_view_check_pod(POD("\"loom.dev/expires-at\":\"2026-01-01T00:30:00Z\"", ""), ttl_show,
			    "0\n");
}

static void ttl_show_of_a_draft(void **state)
{
	struct podspec spec = { 0 };
	struct attr_view v;

	(void)state;
	attr_view_init(&v, NULL, &spec);
	attr_view_check(&v, ttl_show, "14400\n");
	spec.ttl_s = 60;
	attr_view_check(&v, ttl_show, "60\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_shows_of_a_live_weaver),
		cmocka_unit_test(ttl_show_of_a_draft),
		cmocka_unit_test(ttl_store_absolute_counts_from_now),
		cmocka_unit_test(ttl_store_relative_counts_from_expiry),
		cmocka_unit_test(ttl_store_limit_is_erange),
		cmocka_unit_test(ttl_store_nonsense_is_einval),
		cmocka_unit_test(expires_store_same_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
