/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Pod against the one that a real API server has accepted (fixtures/pods/accepted.json), then
 * what that one does not show: auditing in full, resources, checks, the operators' patch.
 */
#include "fs/weaver/podspec.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/pods.h"

#define ID "01a20af6-a5bf-7728-a96d-8d01a22833db"

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static void load(struct config *c, const char *options)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	struct config_input in = { .options = options, .file = "/dev/null" };
	struct error e = ERROR_INIT;

	if (config_load(c, &in, &fuse, &e) < 0)
		fail_msg("%s", e.text);
}

/* As accepted.json was made: owner 1000, w0, created 2026-11-24T20:00:00Z for 4 hours. */
static struct podspec_identity identity(void)
{
	return (struct podspec_identity){ .id = ID,
					  .name = "w0",
					  .uid = 1000,
					  .gid = 1000,
					  .mode = 0750,
					  .owner_user_id = "1000",
					  .now_s = 1795550400 };
}

static cJSON *build(const struct podspec *s, const struct config *c)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct podspec_identity id = identity();
	struct error e = ERROR_INIT;

	if (podspec_build(s, &id, c, &out, &e) < 0)
		fail_msg("%s", e.text);
	cJSON *json = cJSON_Parse(buf_str(&out));
	assert_non_null(json);
	return json;
}

/* "spec.containers.0.name" */
static const cJSON *at(const cJSON *json, const char *path)
{
	char copy[256], *save;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = strtok_r(copy, ":", &save); p && json; p = strtok_r(NULL, ":", &save))
		json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(p))
					   : cJSON_GetObjectItemCaseSensitive(json, p);
	return json;
}

static const char *text_at(const cJSON *json, const char *path)
{
	const char *s = cJSON_GetStringValue(at(json, path));

	if (!s)
		fail_msg("no string at %s", path);
	return s ? s : "";
}

static const char *env_of(const cJSON *json, const char *container, const char *name)
{
	const cJSON *entry;
	char path[64];
	const char *value = NULL;

	snprintf(path, sizeof(path), "spec:%s:0:env", container);
	cJSON_ArrayForEach(entry, at(json, path)) {
		if (strcmp(text_at(entry, "name"), name) == 0)
			value = cJSON_GetStringValue(at(entry, "value"));
	}
	return value;
}

static void build_as_accepted_has_the_same_fields_and_values(void **state)
{
	static const char *const same[] = {
		"kind",
		"apiVersion",
		"metadata:name",
		"metadata:namespace",
		"metadata:labels",
		"metadata:annotations",
		"spec:restartPolicy",
		"spec:terminationGracePeriodSeconds",
		"spec:activeDeadlineSeconds",
		"spec:automountServiceAccountToken",
		"spec:hostname",
		"spec:imagePullSecrets",
		"spec:enableServiceLinks",
		"spec:nodeSelector",
		"spec:containers:0:name",
		"spec:containers:0:image",
		"spec:containers:0:command",
		"spec:containers:0:workingDir",
		"spec:containers:0:env",
		"spec:containers:0:resources",
		"spec:containers:0:imagePullPolicy",
		"spec:containers:0:securityContext",
		"spec:containers:0:stdin",
		"spec:containers:0:tty",
		"spec:initContainers:0:name",
		"spec:initContainers:0:image",
		"spec:initContainers:0:resources",
		"spec:initContainers:0:restartPolicy",
		"spec:initContainers:0:imagePullPolicy",
		"spec:initContainers:0:securityContext",
		"spec:initContainers:0:startupProbe:httpGet:path",
		"spec:initContainers:0:startupProbe:httpGet:port",
		"spec:initContainers:0:startupProbe:timeoutSeconds",
		"spec:initContainers:0:startupProbe:periodSeconds",
		"spec:initContainers:0:startupProbe:failureThreshold",
		"spec:initContainers:0:volumeMounts",
		"spec:volumes",
	};
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	char *command[] = { (char[]){ "sh" }, (char[]){ "-c" },
			    (char[]){ "while :; do sleep 1; done" }, NULL };
	struct podspec_pair env = { (char[]){ "A" }, (char[]){ "1" } };
	struct podspec_pair tag = { (char[]){ "a" }, (char[]){ "b" } };
	struct podspec s = { .image = (char[]){ "localhost/weaver:1" },
			     .command = command,
			     .workdir = (char[]){ "/workspace" },
			     .env = &env,
			     .n_env = 1,
			     .tags = &tag,
			     .n_tags = 1 };

	(void)state;
	load(&c, "namespace=q1,image_pull_secrets=ghcr-secret,image_pull_policy=IfNotPresent,"
		 "audit_enabled=true,audit_image=localhost/tool:1,audit_probes=private,"
		 "audit_buffer_max_bytes=214748365");
	pods_read("accepted.json", &text);
	_cleanup_(cleanup_json) cJSON *theirs = cJSON_Parse(buf_str(&text));
	assert_non_null(theirs);
	c.pod_patch_object = cJSON_Parse("{\"spec\":{\"nodeSelector\":{\"none\":\"x\"}}}");
	/* their buffer's limit is a round 256Mi; 1.25 times no whole number of bytes is that */
	c.audit_buffer_max_bytes = 256 * 1024 * 1024 / 5 * 4 + 4;
	_cleanup_(cleanup_json) cJSON *ours = build(&s, &c);
	cJSON *limit = (cJSON *)(uintptr_t)at(ours, "spec:volumes:0:emptyDir:sizeLimit");
	assert_non_null(limit);
	cJSON_SetValuestring(limit, "256Mi");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (!at(theirs, same[i]) ||
		    !cJSON_Compare(at(ours, same[i]), at(theirs, same[i]), true))
			fail_msg("%s: %s instead of %s", same[i], cJSON_Print(at(ours, same[i])),
				 cJSON_Print(at(theirs, same[i])));
	}
	assert_null(at(ours, "spec:shareProcessNamespace"));
}

static void build_default_with_audit_is_complete(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec s;

	(void)state;
	load(&c,
	     "audit_enabled=true,server_url=https://loom.example,org_id=acme,audit_token_secret=tok,"
	     "audit_probes=shared,audit_allow_insecure_http=true,audit_filter_paths_always=/x,"
	     "audit_metrics_port=9190,audit_health_port=9191,audit_batch_interval_ms=50,"
	     "audit_filter_rate_limit=0,audit_stdout_bytes=64Ki");
	assert_int_equal(podspec_init(&s, &c, NULL), 0);
	_cleanup_(cleanup_json) cJSON *p = build(&s, &c);
	assert_string_equal(text_at(p, "spec:containers:0:image"), c.image);
	assert_string_equal(text_at(p, "spec:initContainers:0:restartPolicy"), "Always");
	assert_string_equal(text_at(p, "spec:volumes:0:emptyDir:sizeLimit"), "320Mi");
	assert_string_equal(text_at(p, "spec:volumes:1:hostPath:path"), "/sys/fs/bpf");
	assert_string_equal(text_at(p, "spec:volumes:2:secret:secretName"), "tok");
	assert_string_equal(text_at(p, "spec:initContainers:0:volumeMounts:1:mountPath"),
			    "/sys/fs/bpf");
	assert_string_equal(env_of(p, "initContainers", "LOOM_WEAVER_ID"), ID);
	assert_string_equal(env_of(p, "initContainers", "LOOM_ORG_ID"), "acme");
	assert_string_equal(env_of(p, "initContainers", "LOOM_OWNER_USER_ID"), "1000");
	assert_string_equal(env_of(p, "initContainers", "LOOM_SERVER_URL"), "https://loom.example");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_BATCH_INTERVAL_MS"), "50");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_BUFFER_MAX_BYTES"),
			    "268435456");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_METRICS_PORT"), "9190");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_HEALTH_PORT"), "9191");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_BUFFER_PATH"),
			    "/var/lib/audit");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_ALLOW_INSECURE_HTTP"), "1");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_FILTER_PATHS_ALWAYS"), "/x");
	assert_null(env_of(p, "initContainers", "LOOM_AUDIT_FILTER_PATHS_IGNORE"));
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_FILTER_READ_SAMPLE_RATE"),
			    "10");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_FILTER_RATE_LIMIT"), "0");
	assert_string_equal(env_of(p, "initContainers", "LOOM_AUDIT_STDOUT_BYTES"), "65536");
	assert_string_equal(text_at(p, "spec:initContainers:0:env:3:valueFrom:fieldRef:fieldPath"),
			    "metadata.name");
	assert_string_equal(text_at(p, "metadata:labels:loom.dev/org-id"), "acme");
	assert_null(at(p, "metadata:annotations:loom.dev/tags"));
	assert_null(at(p, "metadata:annotations:loom.dev/hold"));
	podspec_done(&s);
}

static void build_without_audit_has_no_trace_of_it(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec s;

	(void)state;
	load(&c, "audit_enabled=false");
	assert_int_equal(podspec_init(&s, &c, NULL), 0);
	_cleanup_(cleanup_json) cJSON *p = build(&s, &c);
	assert_null(at(p, "spec:initContainers"));
	assert_null(at(p, "spec:volumes"));
	/* 64 of them and no 65th: pods 64 of the guide's quota decides */
	assert_string_equal(text_at(p, "spec:containers:0:resources:limits:cpu"), "900m");
	assert_string_equal(text_at(p, "spec:containers:0:resources:requests:memory"), "960Mi");
	podspec_done(&s);
}

static void build_request_is_the_lesser_of_default_and_limit(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec s = { .image = (char[]){ "x" },
			     .cpu = (char[]){ "100m" },
			     .memory = (char[]){ "8Gi" } };

	(void)state;
	load(&c, NULL);
	_cleanup_(cleanup_json) cJSON *p = build(&s, &c);
	assert_string_equal(text_at(p, "spec:containers:0:resources:limits:cpu"), "100m");
	assert_string_equal(text_at(p, "spec:containers:0:resources:requests:cpu"), "100m");
	assert_string_equal(text_at(p, "spec:containers:0:resources:limits:memory"), "8Gi");
	assert_string_equal(text_at(p, "spec:containers:0:resources:requests:memory"), "960Mi");
}

static void build_ours_come_after_the_users_variables(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec_pair env = { (char[]){ "LOOM_REPO" }, (char[]){ "theirs" } };
	struct podspec s = { .image = (char[]){ "x" },
			     .env = &env,
			     .n_env = 1,
			     .repo = (char[]){ "https://git.example/r" },
			     .branch = (char[]){ "main" },
			     .hold = true,
			     .ttl_s = 5401 };

	(void)state;
	load(&c, "server_url=https://a.example,secrets_server_url=https://s.example,"
		 "secrets_allow_insecure");
	_cleanup_(cleanup_json) cJSON *p = build(&s, &c);
	assert_string_equal(text_at(p, "spec:containers:0:env:0:value"), "theirs");
	assert_string_equal(env_of(p, "containers", "LOOM_REPO"), "https://git.example/r");
	assert_string_equal(env_of(p, "containers", "LOOM_BRANCH"), "main");
	assert_string_equal(env_of(p, "containers", "LOOM_SERVER_URL"), "https://a.example");
	assert_string_equal(env_of(p, "containers", "LOOM_SECRETS_SERVER_URL"),
			    "https://s.example");
	assert_string_equal(env_of(p, "containers", "LOOM_SECRETS_ALLOW_INSECURE"), "1");
	assert_string_equal(text_at(p, "metadata:annotations:loom.dev/hold"), "1");
	assert_string_equal(text_at(p, "metadata:annotations:loom.dev/lifetime-hours"), "2");
	assert_string_equal(text_at(p, "metadata:annotations:loom.dev/expires-at"),
			    "2026-11-24T21:30:01Z");
}

static void build_patch_merges_lists_by_name(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec s = { .image = (char[]){ "x" } };

	(void)state;
	load(&c, "audit_enabled=true");
	c.pod_patch_object = cJSON_Parse(
		"{\"spec\":{\"hostname\":null,\"runtimeClassName\":\"gvisor\","
		"\"tolerations\":[{\"key\":\"k\"}],"
		"\"volumes\":[{\"name\":\"scratch\",\"emptyDir\":{}}],"
		"\"containers\":[{\"name\":\"weaver\",\"volumeMounts\":[{\"name\":\"scratch\","
		"\"mountPath\":\"/scratch\"}],"
		"\"resources\":{\"limits\":{\"ephemeral-storage\":\"1Gi\"}}}]}}");
	_cleanup_(cleanup_json) cJSON *p = build(&s, &c);
	assert_null(at(p, "spec:hostname"));
	assert_string_equal(text_at(p, "spec:runtimeClassName"), "gvisor");
	assert_string_equal(text_at(p, "spec:tolerations:0:key"), "k");
	assert_string_equal(text_at(p, "spec:volumes:0:name"), "audit-buffer");
	assert_string_equal(text_at(p, "spec:volumes:1:name"), "scratch");
	assert_int_equal(cJSON_GetArraySize(at(p, "spec:containers")), 1);
	assert_string_equal(text_at(p, "spec:containers:0:resources:limits:ephemeral-storage"),
			    "1Gi");
	assert_string_equal(text_at(p, "spec:containers:0:resources:limits:cpu"), "900m");
	assert_string_equal(text_at(p, "spec:containers:0:volumeMounts:0:mountPath"), "/scratch");
}

static void build_bad_values_are_named(void **state)
{
	_cleanup_(config_done) struct config c = { 0 };
	struct podspec_pair env = { (char[]){ "1A" }, (char[]){ "" } };
	char x[] = "x", zero[] = "0", minus[] = "-1", lots[] = "lots", blank[] = "a b",
	     empty[] = "";
	const struct {
		struct podspec s;
		int r;
		const char *word;
	} cases[] = {
		{ { .image = NULL }, -EINVAL, "image" },
		{ { .image = empty }, -EINVAL, "image" },
		{ { .image = blank }, -EINVAL, "image" },
		{ { .image = x, .cpu = zero }, -EINVAL, "cpu" },
		{ { .image = x, .memory = lots }, -EINVAL, "memory" },
		{ { .image = x, .cpu = minus }, -EINVAL, "cpu" },
		{ { .image = x, .env = &env, .n_env = 1 }, -EINVAL, "env" },
		{ { .image = x, .ttl_s = 48 * 3600 + 1 }, -ERANGE, "ttl" },
	};

	(void)state;
	load(&c, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT;
		struct podspec_identity id = identity();
		struct error e = ERROR_INIT;

		assert_int_equal(podspec_build(&cases[i].s, &id, &c, &out, &e), cases[i].r);
		assert_non_null(strstr(e.text, cases[i].word));
		assert_int_equal(out.len, 0);
	}
}

static void check_name_rfc1123_labels_alone(void **state)
{
	char longest[65];

	(void)state;
	memset(longest, 'a', 64);
	longest[64] = '\0';
	assert_int_equal(podspec_check_name(longest, NULL), -ENAMETOOLONG);
	longest[63] = '\0';
	assert_int_equal(podspec_check_name(longest, NULL), 0);
	assert_int_equal(podspec_check_name("fix-42", NULL), 0);
	assert_int_equal(podspec_check_name("42", NULL), 0);
	assert_int_equal(podspec_check_name(".x", NULL), -EPERM);
	assert_int_equal(podspec_check_name("", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("-a", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("a-", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("A", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("a_b", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("a~b", NULL), -EINVAL);
	assert_int_equal(podspec_check_name("\xc3\xa4", NULL), -EINVAL);
}

static void image_labels_registry_name_and_length(void **state)
{
	static const struct {
		const char *image, *label, *registry, *name;
	} cases[] = {
		{ "localhost/weaver:1", "localhost_weaver_1", "localhost", "weaver" },
		{ "localhost:5000/x", "localhost_5000_x", "localhost_5000", "x" },
		{ "alpine", "alpine", "docker.io", "alpine" },
		{ "alpine:3", "alpine_3", "docker.io", "alpine" },
		{ "library/alpine@sha256:ab", "library_alpine_sha256_ab", "docker.io",
		  "library_alpine" },
		{ "ghcr.io/ghuntley/loom/weaver:latest", "ghcr.io_ghuntley_loom_weaver_latest",
		  "ghcr.io", "ghuntley_loom_weaver" },
		{ "_x_/y", "x__y", "docker.io", "x__y" },
		{ "r.io/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-:bbbbbb",
		  "r.io_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "r.io",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(buf_done) struct buf label = BUF_INIT, registry = BUF_INIT,
					       name = BUF_INIT;
		podspec_image_labels(cases[i].image, &label, &registry, &name);
		assert_string_equal(buf_str(&label), cases[i].label);
		assert_string_equal(buf_str(&registry), cases[i].registry);
		assert_string_equal(buf_str(&name), cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_as_accepted_has_the_same_fields_and_values),
		cmocka_unit_test(build_default_with_audit_is_complete),
		cmocka_unit_test(build_without_audit_has_no_trace_of_it),
		cmocka_unit_test(build_request_is_the_lesser_of_default_and_limit),
		cmocka_unit_test(build_ours_come_after_the_users_variables),
		cmocka_unit_test(build_patch_merges_lists_by_name),
		cmocka_unit_test(build_bad_values_are_named),
		cmocka_unit_test(check_name_rfc1123_labels_alone),
		cmocka_unit_test(image_labels_registry_name_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
