/* SPDX-License-Identifier: Apache-2.0 */
/* Every setting from each of its sources: it arrives, says from where, and a bad value is named. */
#include "fs/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/cleanup.h"

#define LOOM "LOOM_SERVER_WEAVER_"

static char yaml_path[] = "/tmp/test_config_sources.XXXXXX";
static char other_path[] =
	"/tmp/test_config_other.XXXXXX"; /* a YAML file that is a setting's value */

/* The contract (loom-compat.md §1). bad NULL: any text will do. */
static const struct row {
	const char *name, *env, *good, *bad;
} rows[] = {
	{ "enabled", LOOM "ENABLED", "false", "perhaps" },
	{ "k8s_namespace", LOOM "K8S_NAMESPACE", "other", "Bad_Name" },
	{ "kubeconfig", NULL, "/etc/other.yaml", NULL },
	{ "image", LOOM "IMAGE", "localhost/x:1", "a b" },
	{ "cleanup_interval_secs", LOOM "CLEANUP_INTERVAL_SECS", "60", "0" },
	{ "default_ttl_hours", LOOM "DEFAULT_TTL_HOURS", "5", "0" },
	{ "max_ttl_hours", LOOM "MAX_TTL_HOURS", "24", "-1" },
	{ "max_concurrent", LOOM "MAX_CONCURRENT", "7", "1.5" },
	{ "ready_timeout_secs", LOOM "READY_TIMEOUT_SECS", "61", "soon" },
	{ "image_pull_secrets", LOOM "IMAGE_PULL_SECRETS", "ghcr-secret", "No_Secret" },
	{ "webhooks", LOOM "WEBHOOKS", "[]", "{" },
	{ "audit_enabled", LOOM "AUDIT_ENABLED", "false", "2" },
	{ "audit_image", LOOM "AUDIT_IMAGE", "localhost/audit:1", "a b" },
	{ "audit_batch_interval_ms", LOOM "AUDIT_BATCH_INTERVAL_MS", "200", "1" },
	{ "audit_buffer_max_bytes", LOOM "AUDIT_BUFFER_MAX_BYTES", "1048576", "x" },
	{ "audit_metrics_port", LOOM "AUDIT_METRICS_PORT", "9190", "65536" },
	{ "audit_health_port", LOOM "AUDIT_HEALTH_PORT", "9191", "0" },
	{ "secrets_server_url", LOOM "SECRETS_SERVER_URL", "https://s.example", "s.example" },
	{ "secrets_allow_insecure", LOOM "SECRETS_ALLOW_INSECURE", "true", "maybe" },
	{ "server_url", "LOOM_SERVER_URL", "https://l.example", "ftp://l.example" },
	{ "audit_probes", LOOM "AUDIT_PROBES", "shared", "public" },
	{ "audit_follow", LOOM "AUDIT_FOLLOW", "open", "never" },
	{ "audit_required", LOOM "AUDIT_REQUIRED", "false", "no way" },
	{ "audit_token_secret", LOOM "AUDIT_TOKEN_SECRET", "token", "No_Secret" },
	{ "audit_ca_secret", LOOM "AUDIT_CA_SECRET", "ca", "No_Secret" },
	{ "audit_allow_insecure_http", LOOM "AUDIT_ALLOW_INSECURE_HTTP", "true", "2" },
	{ "audit_filter_paths_ignore", LOOM "AUDIT_FILTER_PATHS_IGNORE", "/a", NULL },
	{ "audit_filter_paths_always", LOOM "AUDIT_FILTER_PATHS_ALWAYS", "/b", NULL },
	{ "audit_filter_read_sample_rate", LOOM "AUDIT_FILTER_READ_SAMPLE_RATE", "1", "0" },
	{ "audit_filter_rate_limit", LOOM "AUDIT_FILTER_RATE_LIMIT", "0", "10000001" },
	{ "audit_stdout_bytes", LOOM "AUDIT_STDOUT_BYTES", "0", "1073741825" },
	{ "org_id", LOOM "ORG_ID", "acme", "a b" },
	{ "users_file", LOOM "USERS_FILE", other_path, "/no/such/file" },
	{ "create_mode", LOOM "CREATE_MODE", "0755", "9" },
	{ "create_gid", LOOM "CREATE_GID", "0", "no-such-group" },
	{ "max_per_user", LOOM "MAX_PER_USER", "3", "-3" },
	{ "archive_hours", LOOM "ARCHIVE_HOURS", "24", "x" },
	{ "archive_max_bytes", LOOM "ARCHIVE_MAX_BYTES", "1048576", "-1" },
	{ "state_dir", LOOM "STATE_DIR", "/tmp/state", "state" },
	{ "start_timeout", LOOM "START_TIMEOUT", "31", "3601" },
	{ "create_timeout_ms", LOOM "CREATE_TIMEOUT_MS", "2500", "99" },
	{ "pod_patch", LOOM "POD_PATCH", other_path, "/no/such/file" },
	{ "image_pull_policy", LOOM "IMAGE_PULL_POLICY", "Never", "Sometimes" },
	{ "threads", LOOM "THREADS", "4", "65" },
	{ "log_level", LOOM "LOG_LEVEL", "debug", "loud" },
	{ "log_json", LOOM "LOG_JSON", "true", "x" },
};

enum source { OPTION, ENVIRONMENT, FILE_, SOURCES };
static const char *const shown_as[] = { "option", "env", "file" };
static const char *const named_as[] = { "mount option", "environment", yaml_path };

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int load_from(const struct row *row, enum source source, const char *value, struct config *c,
		     struct error *e)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT, text = BUF_INIT;
	struct config_input in = { .file = yaml_path };

	buf_printf(&text, source == FILE_ ? "%s: '%s'\n" : "%s=%s", row->name, value);
	write_file(yaml_path, source == FILE_ ? buf_str(&text) : "");
	if (source == OPTION)
		in.options = buf_str(&text);
	if (source == ENVIRONMENT)
		setenv(row->env, value, 1);
	int r = config_load(c, &in, &fuse, e);
	if (source == ENVIRONMENT)
		unsetenv(row->env);
	if (r == 0)
		assert_string_equal(buf_str(&fuse), "");
	return r;
}

static void check_good(const struct row *row, enum source source)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT, line = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	struct error e = ERROR_INIT;

	if (load_from(row, source, row->good, &c, &e) < 0)
		fail_msg("%s from %s: %s", row->name, shown_as[source], e.text);
	buf_add_char(&all, '\n');
	config_show(&c, &all);
	buf_printf(&line, "\n%s=%s  # %s\n", row->name, row->good, shown_as[source]);
	if (!strstr(buf_str(&all), buf_str(&line)))
		fail_msg("no line%sin %s", buf_str(&line), buf_str(&all));
}

static void check_bad(const struct row *row, enum source source)
{
	struct error e = ERROR_INIT;
	struct config c;

	if (load_from(row, source, row->bad, &c, &e) == 0)
		fail_msg("%s from %s takes %s", row->name, shown_as[source], row->bad);
	const char *name = source == ENVIRONMENT ? row->env : row->name;
	if (!strstr(e.text, name) || !strstr(e.text, row->bad) || strchr(e.text, '\n'))
		fail_msg("%s from %s: %s", row->name, shown_as[source], e.text);
	/* what a setting's file holds, or a group, is looked up when the line is forgotten */
	if (source != ENVIRONMENT && !strstr(e.text, named_as[source]) &&
	    !(source == FILE_ && strstr(e.text, "(settings file)")))
		fail_msg("%s: not where it is from: %s", row->name, e.text);
}

static void config_load_every_setting_from_each_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (enum source s = OPTION; s < SOURCES; s++) {
			if (s == ENVIRONMENT && !rows[i].env)
				continue;
			check_good(&rows[i], s);
			if (rows[i].bad)
				check_bad(&rows[i], s);
		}
	}
}

static void config_show_has_no_setting_that_is_not_tested(void **state)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT, fuse = BUF_INIT;
	_cleanup_(config_done) struct config c = { 0 };
	size_t i = 0;

	(void)state;
	write_file(yaml_path, "");
	assert_int_equal(config_load(&c, &(struct config_input){ .file = yaml_path }, &fuse, NULL),
			 0);
	config_show(&c, &all);
	for (const char *line = buf_str(&all); *line; line = strchr(line, '\n') + 1, i++) {
		assert_in_range(i, 0, ARRAY_SIZE(rows) - 1);
		assert_memory_equal(line, rows[i].name, strlen(rows[i].name));
		assert_int_equal(line[strlen(rows[i].name)], '=');
	}
	assert_int_equal(i, ARRAY_SIZE(rows));
}

static int make_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].env)
			unsetenv(rows[i].env);
	int a = mkstemp(yaml_path), b = mkstemp(other_path);
	if (a < 0 || b < 0)
		return -1;
	write_file(other_path, "{}\n");
	return close(a) | close(b);
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(yaml_path) | unlink(other_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_load_every_setting_from_each_source),
		cmocka_unit_test(config_show_has_no_setting_that_is_not_tested),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
