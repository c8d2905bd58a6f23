/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the contract's names and defaults, precedence, and that a bad value is named. */
#include "fs/config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"

static char yaml_path[] = "/tmp/test_config.XXXXXX";

static const char *yaml(const char *text)
{
	FILE *f = fopen(yaml_path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return yaml_path;
}

static int make_yaml(void **state)
{
	(void)state;
	int fd = mkstemp(yaml_path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_yaml(void **state)
{
	(void)state;
	return unlink(yaml_path);
}

/* An empty file stands for none, so that the machine's own is not read. */
static int load(struct config *c, const char *options, const char *file_text, struct buf *fuse,
		struct error *e)
{
	struct config_input in = { .options = options, .file = yaml(file_text ? file_text : "") };

	return config_load(c, &in, fuse, e);
}

static void assert_refused(const char *options, const char *file_text, const char *const parts[])
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	struct error e = ERROR_INIT;
	struct config c;

	assert_true(load(&c, options, file_text, &fuse, &e) < 0);
	for (; *parts; parts++) {
		if (!strstr(e.text, *parts))
			fail_msg("\"%s\" is not in: %s", *parts, e.text);
	}
}
#define REFUSED(options, yaml, ...)                                                                \
	assert_refused(options, yaml, (const char *const[]){ __VA_ARGS__, NULL })

static void load_nothing_gives_the_contracts_defaults(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(load(&c, NULL, NULL, &fuse, &e), 0);
	assert_true(c.enabled);
	assert_string_equal(c.namespace_, "loom-weavers");
	assert_string_equal(c.image, "ghcr.io/ghuntley/loom/weaver:latest");
	assert_int_equal(c.cleanup_interval_secs, 1800);
	assert_int_equal(c.default_ttl_hours, 4);
	assert_int_equal(c.max_ttl_hours, 48);
	assert_int_equal(c.max_concurrent, 64);
	assert_int_equal(c.ready_timeout_secs, 60);
	assert_null(c.image_pull_secrets);
	assert_null(c.webhooks);
	assert_true(c.audit_enabled);
	assert_string_equal(c.audit_image, "ghcr.io/ghuntley/loom-audit-sidecar:latest");
	assert_int_equal(c.audit_batch_interval_ms, 100);
	assert_int_equal(c.audit_buffer_max_bytes, 268435456);
	assert_int_equal(c.audit_metrics_port, 9090);
	assert_int_equal(c.audit_health_port, 9091);
	assert_null(c.secrets_server_url);
	assert_false(c.secrets_allow_insecure);
	assert_null(c.server_url);
	assert_string_equal(c.audit_probes, "private");
	assert_string_equal(c.audit_follow, "always");
	assert_true(c.audit_required);
	assert_int_equal(c.create_mode, 01777);
	assert_int_equal(c.max_per_user, 0);
	assert_int_equal(c.archive_hours, 72);
	assert_int_equal(c.archive_max_bytes, 1 << 30);
	assert_int_equal(c.start_timeout, 30);
	assert_int_equal(c.create_timeout_ms, 2000);
	assert_null(c.image_pull_policy);
	assert_int_equal(c.threads, 1);
}

static void load_four_sources_strongest_wins(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT, text = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	setenv("LOOM_SERVER_WEAVER_MAX_CONCURRENT", "20", 1);
	setenv("LOOM_SERVER_WEAVER_MAX_TTL_HOURS", "30", 1);
	setenv("LOOM_SERVER_URL", "https://loom.example", 1);
	int r = load(&c, "max_concurrent=10",
		     "max_concurrent: 40\nmax_ttl_hours: 50\narchive_hours: 7\n", &fuse, &e);
	unsetenv("LOOM_SERVER_WEAVER_MAX_CONCURRENT");
	unsetenv("LOOM_SERVER_WEAVER_MAX_TTL_HOURS");
	unsetenv("LOOM_SERVER_URL");
	assert_int_equal(r, 0);
	assert_int_equal(c.max_concurrent, 10);
	assert_int_equal(c.max_ttl_hours, 30);
	assert_int_equal(c.archive_hours, 7);
	assert_string_equal(c.server_url, "https://loom.example");
	config_show(&c, &text);
	assert_non_null(strstr(buf_str(&text), "\nmax_concurrent=10  # option\n"));
	assert_non_null(strstr(buf_str(&text), "\nmax_ttl_hours=30  # env\n"));
	assert_non_null(strstr(buf_str(&text), "\narchive_hours=7  # file\n"));
	assert_non_null(strstr(buf_str(&text), "\ncreate_mode=1777  # default\n"));
}

static void load_short_names_and_commas_in_values(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(load(&c,
			      "namespace=q1,image_pull_secrets= a \\,\\, b.c,log_json,"
			      "archive_max_bytes=2Gi,audit_enabled=true",
			      NULL, &fuse, &e),
			 0);
	assert_string_equal(c.namespace_, "q1");
	assert_string_equal(c.image_pull_secrets[0], "a");
	assert_string_equal(c.image_pull_secrets[1], "b.c");
	assert_null(c.image_pull_secrets[2]);
	assert_true(c.log_json);
	assert_int_equal(c.archive_max_bytes, 2LL << 30);
	assert_true(c.audit_enabled);
	assert_int_equal(fuse.len, 0);
}

static void load_words_of_others_passed_or_dropped(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(load(&c,
			      "rw,nosuid,nodev,,noexec,noatime,_netdev,nofail,user,users,noauto,"
			      "x-systemd.automount,x-gvfs-name=a\\,b,allow_other,"
			      "default_permissions,fsname=a\\,b,max_concurrent=3",
			      NULL, &fuse, &e),
			 0);
	assert_string_equal(buf_str(&fuse), "rw,nosuid,nodev,noexec,noatime,fsname=a\\,b");
	assert_int_equal(c.max_concurrent, 3);
	REFUSED("max_concurent=3", NULL, "unknown mount option \"max_concurent\"");
	REFUSED("rw=1", NULL, "unknown mount option \"rw\"");
	REFUSED("auto_unmount", NULL, "auto_unmount");
}

static void load_bad_value_names_setting_source_value_and_what_is_allowed(void **state)
{
	(void)state;
	REFUSED("max_concurrent=many", NULL, "max_concurrent: bad value 'many' (mount option)",
		"whole number from 1 to 100000");
	REFUSED("max_concurrent", NULL, "max_concurrent", "value is wanted");
	REFUSED("max_concurrent=-1", NULL, "max_concurrent");
	REFUSED("max_concurrent=99999999999999999999", NULL, "max_concurrent");
	REFUSED("max_concurrent=", NULL, "bad value ''");
	REFUSED("default_ttl_hours=0", NULL, "default_ttl_hours", "1 to 8760");
	REFUSED("default_ttl_hours=5,max_ttl_hours=4", NULL, "default_ttl_hours", "max_ttl_hours");
	REFUSED("audit_enabled=maybe", NULL, "audit_enabled", "true or false");
	REFUSED("namespace=Loom", NULL, "k8s_namespace", "a-z");
	REFUSED("namespace=", NULL, "k8s_namespace");
	REFUSED("image=", NULL, "image", "image reference");
	REFUSED("image_pull_secrets=Bad_Name", NULL, "image_pull_secrets", "names of secrets");
	REFUSED("server_url=loom.example", NULL, "server_url", "https://");
	REFUSED("create_mode=0888", NULL, "create_mode", "octal");
	REFUSED("create_mode=7777", NULL, "create_mode", "1777");
	REFUSED("create_gid=no-such-group-here", NULL, "create_gid", "no such group");
	REFUSED("audit_probes=none", NULL, "audit_probes", "private shared");
	REFUSED("image_pull_policy=Sometimes", NULL, "IfNotPresent");
	REFUSED("audit_metrics_port=9091", NULL, "audit_metrics_port", "audit_health_port");
	REFUSED("state_dir=relative", NULL, "state_dir", "absolute");
	REFUSED("pod_patch=/nonexistent/patch.yaml", NULL, "pod_patch", "/nonexistent/patch.yaml");
	setenv("LOOM_SERVER_WEAVER_READY_TIMEOUT_SECS", "soon", 1);
	REFUSED(NULL, NULL, "ready_timeout_secs", "$LOOM_SERVER_WEAVER_READY_TIMEOUT_SECS", "soon");
	unsetenv("LOOM_SERVER_WEAVER_READY_TIMEOUT_SECS");
}

static void load_bad_file_names_the_line(void **state)
{
	(void)state;
	REFUSED(NULL, "image: a\nmax_concurent: 3\n", ":2: unknown setting \"max_concurent\"");
	REFUSED(NULL, "\nmax_concurrent: [1]\n", ":2: max_concurrent: one value");
	REFUSED(NULL, "max_concurrent: 0\n", "max_concurrent: bad value '0'", ":1)");
	REFUSED(NULL, "- a\n", ":1: this must be a mapping");
	REFUSED(NULL, "a: [\n", ": ");
	REFUSED(NULL, "a: &x [*x]\n", "nested too deeply");
	REFUSED(NULL, "? [a]\n: b\n", "a key must be plain text");
	/* a bad value is an error even where a stronger source hides it */
	REFUSED("max_concurrent=1", "max_concurrent: x\n", "max_concurrent", ":1)");
}

static void load_missing_file_that_was_named_is_an_error(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	struct config_input in = { .file = "/nonexistent/weaverfs.yaml" };
	struct error e = ERROR_INIT;
	struct config c;

	(void)state;
	assert_int_equal(config_load(&c, &in, &fuse, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/weaverfs.yaml"));
}

static void load_yaml_lists_and_json_natively_or_as_text(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(load(&c, NULL,
			      "image_pull_secrets: [one, two]\n"
			      "webhooks:\n- url: https://a.example/x\n  events: [weaver.failed]\n"
			      "audit_enabled: no\ncreate_mode: 0770\nserver_url:\n"
			      "audit_buffer_max_bytes: 512Mi\n",
			      &fuse, &e),
			 0);
	assert_string_equal(c.image_pull_secrets[1], "two");
	assert_string_equal(c.webhooks,
			    "[{\"url\":\"https://a.example/x\",\"events\":[\"weaver.failed\"]}]");
	assert_false(c.audit_enabled);
	assert_int_equal(c.create_mode, 0770);
	assert_int_equal(c.audit_buffer_max_bytes, 512 << 20);
	config_done(&c);
	assert_int_equal(load(&c, NULL, "webhooks: '[]'\nimage_pull_secrets: 'a, b'\n", &fuse, &e),
			 0);
	assert_string_equal(c.webhooks, "[]");
	assert_string_equal(c.image_pull_secrets[1], "b");
}

static void load_webhooks_checked_and_secret_never_shown(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT, text = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	REFUSED("webhooks={}", NULL, "webhooks (mount option)", "JSON array");
	REFUSED("webhooks=[{}]", NULL, "entry 1", "url");
	REFUSED("webhooks=[{\"url\":\"ftp://x\"\\,\"events\":[]}]", NULL, "entry 1", "https://");
	REFUSED("webhooks=[{\"url\":\"http://x\"\\,\"events\":[]}]", NULL, "entry 1", "events");
	REFUSED("webhooks=[{\"url\":\"http://x\"\\,\"events\":[\"weaver.new\"]}]", NULL,
		"weaver.new", "weavers.cleanup");
	REFUSED("webhooks=[{\"url\":\"http://x\"\\,\"events\":[\"weaver.failed\"]\\,\"key\":\"s\"}]",
		NULL, "unknown member \"key\"");
	assert_int_equal(load(&c,
			      "webhooks=[{\"url\":\"http://x\"\\,\"events\":[\"weaver.failed\"]\\,"
			      "\"secret\":\"hunter2\"}]",
			      NULL, &fuse, &e),
			 0);
	assert_non_null(strstr(c.webhooks, "hunter2"));
	config_show(&c, &text);
	assert_null(strstr(buf_str(&text), "hunter2"));
	assert_non_null(strstr(buf_str(&text), "\"secret\":\"***\""));
	struct config refused;
	assert_true(load(&refused, "webhooks=[{\"secret\":\"hunter2\"}]", NULL, &fuse, &e) < 0);
	assert_null(strstr(e.text, "hunter2"));
}

static void load_users_file_maps_uid_and_gid(void **state)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT, options = BUF_INIT;
	char users[] = "/tmp/test_config_users.XXXXXX", number[CONFIG_UID_LEN + 1];
	struct error e = ERROR_INIT;
	struct config c;
	int fd = mkstemp(users);

	(void)state;
	dprintf(fd, "1000: alice\n1000:50: \"alice.ci\"\n0: 17\n");
	close(fd);
	buf_printf(&options, "users=%s", users);
	int r = load(&c, buf_str(&options), NULL, &fuse, &e);
	unlink(users);
	assert_int_equal(r, 0);
	assert_string_equal(config_user_id(&c, 1000, 1000, number), "alice");
	assert_string_equal(config_user_id(&c, 1000, 50, number), "alice.ci");
	assert_string_equal(config_user_id(&c, 0, 0, number), "17");
	assert_string_equal(config_user_id(&c, 1001, 50, number), "1001");
	assert_string_equal(config_user_id(&c, (uid_t)-2, 50, number), "4294967294");
	config_done(&c);
}

static void help_names_every_setting_and_its_environment(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, shown = BUF_INIT, fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(load(&c, NULL, NULL, &fuse, &e), 0);
	config_help(&text);
	config_show(&c, &shown);
	assert_non_null(strstr(buf_str(&text),
			       "k8s_namespace, namespace  $LOOM_SERVER_WEAVER_K8S_NAMESPACE"));
	assert_non_null(strstr(buf_str(&text), "server_url  $LOOM_SERVER_URL"));
	size_t lines = 0;
	char *save, *line = strtok_r(shown.data, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save), lines++) {
		char name[64];
		snprintf(name, sizeof(name), "\n  %.*s", (int)strcspn(line, "="), line);
		assert_non_null(strstr(buf_str(&text), name));
	}
	assert_true(lines > 35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_nothing_gives_the_contracts_defaults),
		cmocka_unit_test(load_four_sources_strongest_wins),
		cmocka_unit_test(load_short_names_and_commas_in_values),
		cmocka_unit_test(load_words_of_others_passed_or_dropped),
		cmocka_unit_test(load_bad_value_names_setting_source_value_and_what_is_allowed),
		cmocka_unit_test(load_bad_file_names_the_line),
		cmocka_unit_test(load_missing_file_that_was_named_is_an_error),
		cmocka_unit_test(load_yaml_lists_and_json_natively_or_as_text),
		cmocka_unit_test(load_webhooks_checked_and_secret_never_shown),
		cmocka_unit_test(load_users_file_maps_uid_and_gid),
		cmocka_unit_test(help_names_every_setting_and_its_environment),
	};

	return cmocka_run_group_tests(tests, make_yaml, remove_yaml);
}
