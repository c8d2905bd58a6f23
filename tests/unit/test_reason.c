/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.c and hint.c: what `status`, `reason` and `exit_code` say of every pod that a real
 * Kubernetes has served, and of the states that are hard to catch alive.
 */
#include "tests/unit/pods.h"

#include <dirent.h>

#include "fs/logs/last_line.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"

static const struct config plain = {
	.max_ttl_hours = 48,
	.audit_image = (char *)(uintptr_t) "ghcr.io/ghuntley/loom-audit-sidecar:latest",
};

/* clang-format off */
static const struct expected {
	const char *file, *status;
	const char *word;      /* first word of reason; "": healthy */
	const char *exit_code;
	const char *hint;      /* a part of the hints */
} fixtures[] = {
	{ "accepted.json", "pending", "", "", NULL },
	{ "badvolume.ContainerCreating.json", "pending", "FailedMount", "", "secret that the pod names" },
	{ "deadline-noaudit.Error.json", "failed", "DeadlineExceeded", "137", "limit in force was" },
	{ "deadline-noaudit.Running.json", "running", "", "", NULL },
	{ "deadline.Error.json", "failed", "DeadlineExceeded", "137", "max_ttl_hours" },
	{ "deadline.Running.json", "running", "", "", NULL },
	{ "errimagepull-sidecar.Init_ErrImagePull.json", "pending", "ErrImagePull", "", "setting audit_image" },
	{ "errimagepull-sidecar.Init_ImagePullBackOff.json", "pending", "ImagePullBackOff", "", "setting audit_image" },
	{ "errimagepull.ErrImagePull.json", "pending", "ErrImagePull", "", "localhost/nope:1 (file `image`)" },
	{ "errimagepull.ImagePullBackOff.json", "pending", "ImagePullBackOff", "",
	  "kubectl create secret docker-registry ghcr-secret --namespace=q9 --docker-server=localhost " },
	{ "evicted.ContainerCreating.json", "pending", "", "", NULL },
	{ "evicted.Error.json", "failed", "Evicted", "137", "the node ended the whole pod" },
	{ "evicted.Running.json", "running", "", "", NULL },
	{ "exit0.Completed.json", "succeeded", "Completed", "0", "nothing to do" },
	{ "exit65.Error.json", "failed", "Error", "65", "git clone of" },
	{ "exit7.Error.json", "failed", "Error", "7", "its command failed" },
	{ "gated.SchedulingGated.json", "pending", "SchedulingGated", "", "scheduling gate" },
	{ "invalidimage.InvalidImageName.json", "pending", "InvalidImageName", "", "BAD//Ref:x:y is no image" },
	{ "missingsecret.CreateContainerConfigError.json", "pending", "CreateContainerConfigError", "",
	  "kubectl get secrets --namespace=q9" },
	{ "oom-child.OOMKilled.json", "succeeded", "OOMKilled", "0", "a child process was killed" },
	{ "oom-child.Running.json", "running", "", "", NULL },
	{ "oom.OOMKilled.json", "failed", "OOMKilled", "137", "memory limit in force was 64Mi" },
	{ "probefail.Init_0_1.json", "pending", "Unhealthy", "", "audit_required" },
	{ "probefail.Init_Error.json", "pending", "Error", "", "-c audit-sidecar" },
	{ "runasroot.CreateContainerConfigError.json", "pending", "CreateContainerConfigError", "", "uid 1000" },
	{ "running.PodInitializing.json", "pending", "", "", NULL },
	{ "running.Running.json", "running", "", "", NULL },
	{ "sidecarcrash.Init_StartError.json", "pending", "StartError", "", "kernel with BTF" },
	{ "sidecarexit.Init_Error.json", "pending", "Error", "", "-c audit-sidecar" },
	{ "sig.Completed.json", "succeeded", "", "0", NULL },
	{ "sig.Running.json", "running", "", "", NULL },
	{ "starterror-workdir.StartError.json", "failed", "StartError", "128", "`workdir` cannot be" },
	{ "starterror.StartError.json", "failed", "StartError", "128", "program of `command` does not exist" },
	{ "unsched-cpu.Pending.json", "pending", "Unschedulable", "", "no node has that much free" },
	{ "unschedulable.Pending.json", "pending", "Unschedulable", "", "no node has the labels" },
};
/* clang-format on */

static void add_reason(const struct pod *pod, const struct event_list *events,
		       const struct config *config, struct buf *out)
{
	const struct reason_input in = { .pod = pod, .events = events, .config = config };

	weaver_reason(&in, out);
	assert_int_equal(buf_error(out), 0);
}

/* Line 1 is `Word: message`, each further one a hint; nothing but text and newlines. */
static void check_form(const char *reason, const char *file)
{
	const char *colon = strstr(reason, ": ");

	if (!*reason)
		return;
	if (!colon || colon == reason || !colon[2] || memchr(reason, ' ', colon - reason))
		fail_msg("%s: no `Word: message`: %s", file, reason);
	for (const char *line = strchr(reason, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, "hint: ", 6) != 0)
			fail_msg("%s: not a hint: %s", file, line);
	}
	for (const char *p = reason; *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= ' ');
	if (!strstr(reason, "\nhint: "))
		fail_msg("%s: no hint: %s", file, reason);
}

static void check_fixture(const struct expected *x)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_load(x->file);
	_cleanup_(event_list_unrefp) struct event_list *events =
		strcmp(x->file, "accepted.json") == 0 ? NULL : pods_load_events(x->file);
	_cleanup_(buf_done) struct buf reason = BUF_INIT;
	const struct pod_container *c = pod_main(pod);
	char exit_code[16] = "", word[64];

	add_reason(pod, events, &plain, &reason);
	if (c && c->state == POD_STATE_TERMINATED)
		snprintf(exit_code, sizeof(exit_code), "%d", c->exit_code);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(buf_str(&reason), ":"), buf_str(&reason));
	if (getenv("SHOW_REASONS"))
		printf("== %s: %s\n%s", x->file, weaver_status_word(weaver_status(pod)),
		       buf_str(&reason));
	if (strcmp(weaver_status_word(weaver_status(pod)), x->status) != 0 ||
	    strcmp(word, x->word) != 0 || strcmp(exit_code, x->exit_code) != 0 ||
	    (x->hint && !strstr(buf_str(&reason), x->hint)))
		fail_msg("%s: %s, exit code \"%s\", reason:\n%s", x->file,
			 weaver_status_word(weaver_status(pod)), exit_code, buf_str(&reason));
	check_form(buf_str(&reason), x->file);
}

static void weaver_reason_every_fixture_is_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++)
		check_fixture(&fixtures[i]);
}

static bool is_expected(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
		if (strcmp(fixtures[i].file, file) == 0)
			return true;
	}
	return false;
}

static void weaver_reason_no_fixture_is_left_out(void **state)
{
	size_t seen = 0;
	struct dirent *entry;
	DIR *dir = opendir(PODS_DIR);

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		size_t len = strlen(name);
		if (len < 5 || strcmp(name + len - 5, ".json") != 0 ||
		    strstr(name, ".table.json") || strstr(name, ".events.json"))
			continue;
		seen++;
		if (!is_expected(name))
			fail_msg("%s: nothing is expected of it", name);
	}
	closedir(dir);
	assert_int_equal(seen, ARRAY_SIZE(fixtures));
}

/* A pod in that status, with a weaver container. */
static struct pod *pod_with(const char *status)
{
	char json[4096];

	snprintf(json, sizeof(json),
		 "{\"metadata\":{\"name\":\"weaver-x\",\"namespace\":\"n\",\"uid\":\"u\","
		 "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},"
		 "\"spec\":{\"initContainers\":[{\"name\":\"audit-sidecar\","
		 "\"restartPolicy\":\"Always\"}],\"containers\":[{\"name\":\"weaver\","
		 "\"image\":\"ghcr.io/org/private:1\",\"env\":[{\"name\":\"LOOM_REPO\","
		 "\"value\":\"https://git.example/r.git\"}]}]},\"status\":%s}",
		 status);
	return pods_parse(json);
}

static void reason_of(const char *status, struct event_list *events, const struct config *config,
		      struct buf *out)
{
	_cleanup_(pod_unrefp) struct pod *pod = pod_with(status);

	add_reason(pod, events, config, out);
	if (getenv("SHOW_REASONS"))
		printf("%s", buf_str(out));
}

static void check(const char *status, const char *start, const char *part)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	reason_of(status, NULL, &plain, &out);
	if (!*start)
		assert_string_equal(buf_str(&out), "");
	if (strncmp(buf_str(&out), start, strlen(start)) != 0 || !strstr(buf_str(&out), part))
		fail_msg("%s\ngives: %s", status, buf_str(&out));
}

#define MAIN(state)                                                                                \
	"{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"weaver\"," state "}]}"
#define TERMINATED(code, reason)                                                                   \
	MAIN("\"state\":{\"terminated\":{\"exitCode\":" #code ",\"reason\":\"" reason              \
	     "\",\"startedAt\":\"2026-01-01T00:00:00Z\",\"finishedAt\":\"2026-01-01T00:01:00Z\"}}")

static void weaver_reason_exit_codes_are_explained(void **state)
{
	(void)state;
	check(TERMINATED(65, "Error"), "Error: exit code 65\n", "https://git.example/r.git failed");
	check(TERMINATED(127, "Error"), "Error: exit code 127\n", "not found");
	check(TERMINATED(137, "Error"), "Error: exit code 137 (SIGKILL)\n", "hint: ");
	check(TERMINATED(139, "Error"), "Error: exit code 139 (SIGSEGV)\n", "crashed");
	check(TERMINATED(255, "Error"), "Error: exit code 255\n", "tail -n 1 logs");
	check(TERMINATED(3, ""), "ExitCode:3: exit code 3\n", "hint: ");
	check(TERMINATED(0, "Completed"), "", "");
	check(TERMINATED(0, ""), "", "");
}

/* With the last line that this container has printed in its run number `restarts`. */
static void check_said(const char *status, const char *container, int restarts, const char *line,
		       const char *part)
{
	const struct pod_container c = { .name = container, .restarts = restarts };
	_cleanup_(pod_unrefp) struct pod *pod = pod_with(status);
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct last_line *l = last_line_make(&c, line, strlen(line));
	const struct reason_input in = { .pod = pod, .last_line = l, .config = &plain };

	weaver_reason(&in, &out);
	last_line_unref(l);
	if (!strstr(buf_str(&out), part))
		fail_msg("%s\ngives: %s", status, buf_str(&out));
}

static void weaver_reason_last_line_is_of_the_run_that_failed(void **state)
{
	(void)state;
	check_said(TERMINATED(3, "Error"), "weaver", 0, "no disk", "hint: it said last: no disk\n");
	check_said(TERMINATED(3, "Error"), "weaver", 0, "a\33[m", "hint: it said last: a\\x1B[m\n");
	check_said(TERMINATED(3, "Error"), "weaver", 0, "", "hint: it said nothing\n");
	check_said(TERMINATED(3, "Error"), "weaver", 1, "no disk", "tail -n 1 logs");
	check_said(TERMINATED(3, "Error"), "audit-sidecar", 0, "no disk", "tail -n 1 logs");
}

static void weaver_reason_message_with_controls_is_escaped(void **state)
{
	(void)state;
	check("{\"phase\":\"Failed\",\"reason\":\"Evicted\\u001b[2J\",\"message\":\"a\\nb\\u009bc \"}",
	      "Evicted\\x1B[2J: a\\nb\\xC2\\x9Bc\n", "hint: ");
}

static void weaver_reason_sidecar_between_failures_stays(void **state)
{
	(void)state;
	check("{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"audit-sidecar\","
	      "\"restartCount\":3,\"started\":false,\"state\":{\"running\":{}}}]}",
	      "Init:0/1: audit-sidecar: started again 3 times", "kernel with BTF");
}

/* A few failures of the startup probe are those of a start. */
static void weaver_reason_sidecar_that_does_not_get_well(void **state)
{
	static const char event[] =
		"{\"metadata\":{\"name\":\"e\",\"uid\":\"e1\"},\"involvedObject\":{\"uid\":\"u\"},"
		"\"type\":\"Warning\",\"reason\":\"Unhealthy\",\"message\":\"Startup probe failed: "
		"HTTP probe failed with statuscode: 503\",\"count\":%d}";
	static const char starting[] =
		"{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"audit-sidecar\","
		"\"restartCount\":0,\"started\":false,\"state\":{\"running\":{}}}]}";
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	char json[512];

	(void)state;
	snprintf(json, sizeof(json), event, 9);
	struct event_list *events = pods_add_event(NULL, json);
	reason_of(starting, events, &plain, &out);
	assert_string_equal(buf_str(&out), "");
	snprintf(json, sizeof(json), event, 10);
	events = pods_add_event(events, json);
	reason_of(starting, events, &plain, &out);
	assert_non_null(strstr(buf_str(&out),
			       "Unhealthy: audit-sidecar: Startup probe failed: HTTP probe "
			       "failed with statuscode: 503\n"));
	assert_non_null(strstr(buf_str(&out), "audit_required"));
	event_list_unref(events);
}

static void weaver_reason_end_by_deletion_is_healthy(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(
		"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"deletionTimestamp\":"
		"\"2026-01-01T00:00:05Z\",\"deletionGracePeriodSeconds\":5},"
		"\"spec\":{\"containers\":[{\"name\":\"weaver\"}]},\"status\":{\"phase\":\"Failed\","
		"\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{\"terminated\":{"
		"\"exitCode\":143,\"reason\":\"Error\",\"startedAt\":\"2025-12-31T00:00:00Z\","
		"\"finishedAt\":\"2026-01-01T00:00:01Z\"}}}]}}");

	(void)state;
	add_reason(pod, NULL, &plain, &out);
	assert_string_equal(buf_str(&out), "");
	assert_int_equal(weaver_status(pod), WEAVER_TERMINATING);
}

#define BACKOFF                                                                                    \
	"{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{"           \
	"\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"denied\"}}}]}"

static void weaver_reason_missing_pull_secret_is_named(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	_cleanup_(event_list_unrefp) struct event_list *events = pods_add_event(
		NULL,
		"{\"metadata\":{\"uid\":\"e\"},\"involvedObject\":{\"uid\":\"u\"},"
		"\"type\":\"Warning\",\"reason\":\"FailedToRetrieveImagePullSecret\",\"message\":"
		"\"Unable to retrieve some image pull secrets (my-secret); attempting to pull "
		"the image may not succeed.\",\"lastTimestamp\":\"2026-01-01T00:00:00Z\"}");

	(void)state;
	reason_of(BACKOFF, events, &plain, &out);
	assert_non_null(
		strstr(buf_str(&out), "the pull secret my-secret does not exist in namespace n"));
	assert_non_null(
		strstr(buf_str(&out),
		       "hint: kubectl create secret docker-registry my-secret --namespace=n "
		       "--docker-server=ghcr.io --docker-username=USER "
		       "--docker-password=TOKEN\n"));
}

static void weaver_reason_configured_pull_secret_is_named(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	char name[] = "corp";
	char *secrets[] = { name, NULL };
	struct config config = plain;

	(void)state;
	config.image_pull_secrets = secrets;
	reason_of(BACKOFF, NULL, &config, &out);
	assert_non_null(strstr(buf_str(&out), "docker-registry corp "));
	assert_null(strstr(buf_str(&out), "is not set"));
}

static void weaver_reason_mount_failure_that_is_over_is_healthy(void **state)
{
	static const char event[] =
		"{\"metadata\":{\"uid\":\"%s\"},\"involvedObject\":{\"uid\":\"u\"},\"reason\":\"%s\","
		"\"message\":\"secret \\\"s\\\" not found\",\"lastTimestamp\":\"%s\"}";
	static const char creating[] =
		"{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{"
		"\"waiting\":{\"reason\":\"ContainerCreating\"}}}]}";
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	char json[512];

	(void)state;
	snprintf(json, sizeof(json), event, "a", "FailedMount", "2026-01-01T00:00:01Z");
	struct event_list *events = pods_add_event(NULL, json);
	reason_of(creating, events, &plain, &out);
	assert_int_equal(strncmp(buf_str(&out), "FailedMount: ", 13), 0);
	buf_reset(&out);
	snprintf(json, sizeof(json), event, "b", "Pulled", "2026-01-01T00:00:09Z");
	events = pods_add_event(events, json);
	reason_of(creating, events, &plain, &out);
	assert_string_equal(buf_str(&out), "");
	event_list_unref(events);
}

static void weaver_reason_bad_reference_says_what_is_wrong(void **state)
{
	static const struct {
		const char *image, *fault;
	} cases[] = {
		{ "a b", "it holds a blank" },
		{ "ghcr.io//x", "empty part before a slash" },
		{ "ghcr.io/Org/x:1", "must be lower case" },
		{ "x:1:2", "more than one tag" },
		{ "ghcr.io/x/", "no name behind its last slash" },
		{ "x:Tag_is_fine-", "is no image reference; write" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT;
		char json[512];
		snprintf(
			json, sizeof(json),
			"{\"metadata\":{\"name\":\"p\",\"uid\":\"u\"},\"spec\":{\"containers\":[{"
			"\"name\":\"weaver\",\"image\":\"%s\"}]},\"status\":{\"phase\":\"Pending\","
			"\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{\"waiting\":{"
			"\"reason\":\"InvalidImageName\"}}}]}}",
			cases[i].image);
		_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
		add_reason(pod, NULL, &plain, &out);
		if (!strstr(buf_str(&out), cases[i].fault))
			fail_msg("%s: %s", cases[i].image, buf_str(&out));
	}
}

static void weaver_reason_word_of_the_last_resort(void **state)
{
	(void)state;
	check("{\"phase\":\"Failed\"}", "Failed: ", "kubectl describe pod weaver-x --namespace=n");
	check("{\"phase\":\"Unknown\"}", "Unknown: ", "hint: ");
	/* the weaver runs: what another container does is not its reason */
	check("{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"weaver\",\"state\":{"
	      "\"running\":{}}},{\"name\":\"zz\",\"state\":{\"terminated\":{\"exitCode\":1,"
	      "\"reason\":\"Error\"}}}]}",
	      "", "");
}

static void weaver_reason_bare_pod_is_healthy(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(BARE_POD);

	(void)state;
	add_reason(pod, NULL, &plain, &out);
	assert_string_equal(buf_str(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weaver_reason_bare_pod_is_healthy),
		cmocka_unit_test(weaver_reason_every_fixture_is_as_expected),
		cmocka_unit_test(weaver_reason_no_fixture_is_left_out),
		cmocka_unit_test(weaver_reason_exit_codes_are_explained),
		cmocka_unit_test(weaver_reason_last_line_is_of_the_run_that_failed),
		cmocka_unit_test(weaver_reason_message_with_controls_is_escaped),
		cmocka_unit_test(weaver_reason_sidecar_between_failures_stays),
		cmocka_unit_test(weaver_reason_sidecar_that_does_not_get_well),
		cmocka_unit_test(weaver_reason_end_by_deletion_is_healthy),
		cmocka_unit_test(weaver_reason_missing_pull_secret_is_named),
		cmocka_unit_test(weaver_reason_configured_pull_secret_is_named),
		cmocka_unit_test(weaver_reason_mount_failure_that_is_over_is_healthy),
		cmocka_unit_test(weaver_reason_bad_reference_says_what_is_wrong),
		cmocka_unit_test(weaver_reason_word_of_the_last_resort),
	};

	cmocka_set_message_output(CM_OUTPUT_STDOUT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
