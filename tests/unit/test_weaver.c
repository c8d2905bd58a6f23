/* SPDX-License-Identifier: Apache-2.0 */
/* weaver.c: what labels, annotations and container states mean, good ones and bad ones. */
#include "tests/unit/pods.h"

#include "fs/weaver/weaver.h"
#include "k8s/base/rfc3339.h"

#define ID "01a20afc-423d-7bc9-a983-83cfcb139def"
#define HOUR 3600

static const struct config config = { .max_ttl_hours = 48 };

/* A pod made at 2026-01-01T00:00:00Z with that text in metadata and at the top. */
static struct pod *pod_of(const char *metadata, const char *rest)
{
	char json[2048];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"p\",\"uid\":\"the-uid\","
		 "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"%s%s}%s%s}",
		 *metadata ? "," : "", metadata, *rest ? "," : "", rest);
	return pods_parse(json);
}

static enum weaver_status status_of(const char *metadata, const char *status)
{
	char rest[1024];

	snprintf(rest, sizeof(rest),
		 "\"spec\":{\"containers\":[{\"name\":\"weaver\"}]},\"status\":%s", status);
	_cleanup_(pod_unrefp) struct pod *pod = pod_of(metadata, rest);
	return weaver_status(pod);
}

#define STATE(phase, state)                                                                        \
	"{\"phase\":\"" phase "\",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{" state   \
	"}}]}"
#define RUNNING "\"running\":{\"startedAt\":\"2026-01-01T00:00:00Z\"}"

static void weaver_status_container_decides_before_phase(void **state)
{
	(void)state;
	assert_int_equal(status_of("", "{}"), WEAVER_PENDING);
	assert_int_equal(status_of("", "{\"phase\":\"Strange\"}"), WEAVER_PENDING);
	assert_int_equal(status_of("", "{\"phase\":\"Running\"}"), WEAVER_RUNNING);
	assert_int_equal(status_of("", "{\"phase\":\"Succeeded\"}"), WEAVER_SUCCEEDED);
	assert_int_equal(status_of("", "{\"phase\":\"Failed\"}"), WEAVER_FAILED);
	assert_int_equal(status_of("", STATE("Running", RUNNING)), WEAVER_RUNNING);
	assert_int_equal(status_of("", STATE("Running", "\"waiting\":{}")), WEAVER_PENDING);
	assert_int_equal(status_of("", STATE("Running", "\"terminated\":{\"exitCode\":7}")),
			 WEAVER_FAILED);
	assert_int_equal(status_of("", STATE("Running", "\"terminated\":{\"exitCode\":0}")),
			 WEAVER_SUCCEEDED);
}

static void weaver_status_pod_ended_as_a_whole_is_failed(void **state)
{
	(void)state;
	/* a lost node leaves the last state behind */
	assert_int_equal(status_of("", STATE("Failed\",\"reason\":\"NodeLost", RUNNING)),
			 WEAVER_FAILED);
	/* TERM was handled well, the pod was evicted all the same */
	assert_int_equal(status_of("", STATE("Failed\",\"reason\":\"Evicted",
					     "\"terminated\":{\"exitCode\":0}")),
			 WEAVER_FAILED);
}

static void weaver_status_deletion_timestamp_is_terminating(void **state)
{
	(void)state;
	assert_int_equal(status_of("\"deletionTimestamp\":\"2026-01-01T00:00:05Z\"",
				   STATE("Running", RUNNING)),
			 WEAVER_TERMINATING);
}

static void weaver_active_counts_as_the_quota_does(void **state)
{
	static const struct {
		const char *phase;
		bool active;
	} cases[] = { { "Pending", true },
		      { "Running", true },
		      { "Succeeded", false },
		      { "Failed", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char rest[64];
		snprintf(rest, sizeof(rest), "\"status\":{\"phase\":\"%s\"}", cases[i].phase);
		_cleanup_(pod_unrefp) struct pod *pod =
			pod_of("\"deletionTimestamp\":\"2026-01-01T00:00:05Z\"", rest);
		assert_int_equal(weaver_active(pod), cases[i].active);
	}
}

static void check_names(const char *metadata, const char *id, const char *name)
{
	_cleanup_(pod_unrefp) struct pod *pod = pod_of(metadata, "");

	assert_string_equal(weaver_id(pod), id);
	assert_string_equal(weaver_name(pod), name);
}

static void weaver_id_and_name_fall_back(void **state)
{
	(void)state;
	check_names("", "the-uid", "the-uid");
	check_names("\"labels\":{\"loom.dev/weaver-id\":\"" ID "\"}", ID, ID);
	check_names("\"labels\":{\"loom.dev/weaver-id\":\"nonsense\"}", "the-uid", "the-uid");
	check_names("\"labels\":{\"loom.dev/name\":\"fix-42\"}", "the-uid", "fix-42");
	check_names("\"labels\":{\"loom.dev/name\":\"../x\"}", "the-uid", "the-uid");
	check_names("\"labels\":{\"loom.dev/name\":\"Upper\"}", "the-uid", "the-uid");

	_cleanup_(pod_unrefp) struct pod *pod =
		pods_parse("{\"metadata\":{\"name\":\"weaver-" ID "\",\"uid\":\"u\"}}");
	assert_string_equal(weaver_id(pod), ID);
}

/* Seconds from the creation to the expiry, and to the limit. */
static void check_times(const char *metadata, const char *rest, int64_t expires, int64_t limit)
{
	_cleanup_(pod_unrefp) struct pod *pod = pod_of(metadata, rest);

	assert_int_equal(weaver_expires(pod, &config) - pod->created_s, expires);
	assert_int_equal(weaver_limit(pod, &config) - pod->created_s, limit);
}

static void weaver_expires_annotations_are_checked(void **state)
{
#define LIFETIME(v) "\"annotations\":{\"loom.dev/lifetime-hours\":\"" v "\"}"
#define EXPIRES(v)                                                                                 \
	"\"annotations\":{\"loom.dev/expires-at\":\"" v "\",\"loom.dev/lifetime-hours\":\"9\"}"
	(void)state;
	check_times("", "", 4 * HOUR, 48 * HOUR);
	check_times(LIFETIME("8"), "", 8 * HOUR, 48 * HOUR);
	check_times(LIFETIME("0"), "", 4 * HOUR, 48 * HOUR);
	check_times(LIFETIME("-1"), "", 4 * HOUR, 48 * HOUR);
	check_times(LIFETIME("8h"), "", 4 * HOUR, 48 * HOUR);
	check_times(LIFETIME("99999999999999999999"), "", 4 * HOUR, 48 * HOUR);
	check_times(LIFETIME("100"), "", 48 * HOUR, 48 * HOUR);
	check_times(EXPIRES("2026-01-01T01:00:00Z"), "", HOUR, 48 * HOUR);
	check_times(EXPIRES("2026-01-01T02:00:00+01:00"), "", HOUR, 48 * HOUR);
	check_times(EXPIRES("2026-01-01T00:59:59.000000001Z"), "", HOUR, 48 * HOUR);
	check_times(EXPIRES("2027-01-01T01:00:00Z"), "", 48 * HOUR, 48 * HOUR);
	check_times(EXPIRES("soon"), "", 9 * HOUR, 48 * HOUR);
}

static void weaver_limit_active_deadline_lowers_it(void **state)
{
	(void)state;
	check_times("",
		    "\"spec\":{\"activeDeadlineSeconds\":7200},"
		    "\"status\":{\"startTime\":\"2026-01-01T00:00:10Z\"}",
		    4 * HOUR, 2 * HOUR + 10);
	check_times("",
		    "\"spec\":{\"activeDeadlineSeconds\":172800},"
		    "\"status\":{\"startTime\":\"2026-01-01T00:00:10Z\"}",
		    4 * HOUR, 48 * HOUR);
	/* not started: it does not count yet */
	check_times("", "\"spec\":{\"activeDeadlineSeconds\":7200}", 4 * HOUR, 48 * HOUR);
}

static void check_owner(const char *annotations, uid_t uid, gid_t gid, mode_t mode)
{
	char metadata[256];

	snprintf(metadata, sizeof(metadata), "\"annotations\":{%s}", annotations);
	_cleanup_(pod_unrefp) struct pod *pod = pod_of(metadata, "");
	struct weaver_owner owner = weaver_owner(pod, 7, 8);
	assert_int_equal(owner.uid, uid);
	assert_int_equal(owner.gid, gid);
	assert_int_equal(owner.mode, mode);
}

static void weaver_owner_bad_annotations_give_the_mounts_owner(void **state)
{
#define OWNER(u, g, m)                                                                             \
	"\"loom.dev/uid\":\"" u "\",\"loom.dev/gid\":\"" g "\",\"loom.dev/mode\":\"" m "\""
	(void)state;
	check_owner("", 7, 8, 0750);
	check_owner(OWNER("1000", "1001", "0700"), 1000, 1001, 0700);
	check_owner(OWNER("1000", "1001", "6755"), 1000, 1001, 0755);
	check_owner(OWNER("-1", "1001", "0700"), 7, 8, 0700);
	check_owner(OWNER("4294967295", "1001", "0700"), 7, 8, 0700);
	check_owner(OWNER("1000", "x", "0900"), 7, 8, 0750);
	check_owner("\"loom.dev/uid\":\"1000\"", 7, 8, 0750);
}

static void weaver_env_last_of_a_name_wins(void **state)
{
	_cleanup_(pod_unrefp) struct pod *pod =
		pod_of("", "\"spec\":{\"containers\":[{\"name\":\"weaver\",\"env\":["
			   "{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"A\",\"value\":\"2\"}]}]}");

	(void)state;
	assert_string_equal(weaver_env(pod, "A"), "2");
	assert_null(weaver_env(pod, "B"));
	assert_false(weaver_hold(pod));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weaver_status_container_decides_before_phase),
		cmocka_unit_test(weaver_status_pod_ended_as_a_whole_is_failed),
		cmocka_unit_test(weaver_status_deletion_timestamp_is_terminating),
		cmocka_unit_test(weaver_active_counts_as_the_quota_does),
		cmocka_unit_test(weaver_id_and_name_fall_back),
		cmocka_unit_test(weaver_expires_annotations_are_checked),
		cmocka_unit_test(weaver_limit_active_deadline_lowers_it),
		cmocka_unit_test(weaver_owner_bad_annotations_give_the_mounts_owner),
		cmocka_unit_test(weaver_env_last_of_a_name_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
