/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says all about a setting. The sources are read from the weakest to the strongest
 * (default, file, environment, option) and each sets the field anew, so that a bad value is an
 * error even where a stronger source would have hidden it.
 */
#include "fs/config/config.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/config/config_options.h"
#include "fs/config/config_value.h"
#include "k8s/base/cleanup.h"
#include "k8s/yaml_json.h"

#define DEFAULT_FILE "/etc/loom/weaverfs.yaml"
#define ENV "LOOM_SERVER_WEAVER_"

enum source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENV, SOURCE_OPTION };
static const char *const source_words[] = { "default", "file", "env", "option" };

#define FIELD(member) offsetof(struct config, member)
#define DAY_S 86400
#define TIB (1LL << 40)

/* In the order of --help and .weaverfs/config: Loom's settings (loom-compat.md §1), then ours. */
/* clang-format off */
static const struct config_setting settings[] = {
	{ "enabled", NULL, ENV "ENABLED", CONFIG_BOOL, FIELD(enabled), "true", 0, 0, NULL,
	  "false: say so and exit 0" },
	{ "k8s_namespace", "namespace", ENV "K8S_NAMESPACE", CONFIG_NAME, FIELD(namespace_), "loom-weavers", 0, 0, NULL,
	  "the namespace that is mounted" },
	{ "kubeconfig", NULL, NULL, CONFIG_TEXT, FIELD(kubeconfig), NULL, 0, 0, NULL,
	  "as SOURCE; unset: $KUBECONFIG, /etc/rancher/k3s/k3s.yaml, ~/.kube/config, in-cluster" },
	{ "image", NULL, ENV "IMAGE", CONFIG_IMAGE, FIELD(image), "ghcr.io/ghuntley/loom/weaver:latest", 0, 0, NULL,
	  "what a bare mkdir runs" },
	{ "cleanup_interval_secs", NULL, ENV "CLEANUP_INTERVAL_SECS", CONFIG_NUMBER, FIELD(cleanup_interval_secs), "1800", 1, 7 * DAY_S, NULL,
	  "seconds between sweeps for expired weavers" },
	{ "default_ttl_hours", NULL, ENV "DEFAULT_TTL_HOURS", CONFIG_NUMBER, FIELD(default_ttl_hours), "4", 1, 8760, NULL,
	  "lifetime of a weaver that asks for none" },
	{ "max_ttl_hours", NULL, ENV "MAX_TTL_HOURS", CONFIG_NUMBER, FIELD(max_ttl_hours), "48", 1, 8760, NULL,
	  "longest lifetime there is" },
	{ "max_concurrent", NULL, ENV "MAX_CONCURRENT", CONFIG_NUMBER, FIELD(max_concurrent), "64", 1, 100000, NULL,
	  "weavers at once, terminating ones included" },
	{ "ready_timeout_secs", NULL, ENV "READY_TIMEOUT_SECS", CONFIG_NUMBER, FIELD(ready_timeout_secs), "60", 1, DAY_S, NULL,
	  "how long wait/running waits" },
	{ "image_pull_secrets", NULL, ENV "IMAGE_PULL_SECRETS", CONFIG_OBJECTS, FIELD(image_pull_secrets), NULL, 0, 0, NULL,
	  "secrets for private registries, with commas between" },
	{ "webhooks", NULL, ENV "WEBHOOKS", CONFIG_WEBHOOKS, FIELD(webhooks), NULL, 0, 0, NULL,
	  "JSON: [{\"url\", \"events\": [...], \"secret\"?}]" },
	{ "audit_enabled", NULL, ENV "AUDIT_ENABLED", CONFIG_BOOL, FIELD(audit_enabled), "true", 0, 0, NULL,
	  "an audit sidecar beside each weaver" },
	{ "audit_image", NULL, ENV "AUDIT_IMAGE", CONFIG_IMAGE, FIELD(audit_image), "ghcr.io/ghuntley/loom-audit-sidecar:latest", 0, 0, NULL,
	  "the sidecar's image" },
	{ "audit_batch_interval_ms", NULL, ENV "AUDIT_BATCH_INTERVAL_MS", CONFIG_NUMBER, FIELD(audit_batch_interval_ms), "100", 10, 60000, NULL,
	  "how often the sidecar drains its rings" },
	{ "audit_buffer_max_bytes", NULL, ENV "AUDIT_BUFFER_MAX_BYTES", CONFIG_BYTES, FIELD(audit_buffer_max_bytes), "268435456", 1 << 20, TIB, NULL,
	  "the sidecar's buffer on disk" },
	{ "audit_metrics_port", NULL, ENV "AUDIT_METRICS_PORT", CONFIG_NUMBER, FIELD(audit_metrics_port), "9090", 1, 65535, NULL,
	  "its Prometheus page" },
	{ "audit_health_port", NULL, ENV "AUDIT_HEALTH_PORT", CONFIG_NUMBER, FIELD(audit_health_port), "9091", 1, 65535, NULL,
	  "its /health" },
	{ "secrets_server_url", NULL, ENV "SECRETS_SERVER_URL", CONFIG_URL, FIELD(secrets_server_url), NULL, 0, 0, NULL,
	  "LOOM_SECRETS_SERVER_URL of weavers" },
	{ "secrets_allow_insecure", NULL, ENV "SECRETS_ALLOW_INSECURE", CONFIG_BOOL, FIELD(secrets_allow_insecure), "false", 0, 0, NULL,
	  "LOOM_SECRETS_ALLOW_INSECURE=1 in weavers" },
	{ "server_url", NULL, "LOOM_SERVER_URL", CONFIG_URL, FIELD(server_url), NULL, 0, 0, NULL,
	  "LOOM_SERVER_URL of weavers and their sidecars" },
	{ "audit_probes", NULL, ENV "AUDIT_PROBES", CONFIG_WORD, FIELD(audit_probes), "private", 0, 0, "private shared",
	  "shared: mounts /sys/fs/bpf into the sidecar, for one set of probes a node; no sidecar can do that yet" },
	{ "audit_follow", NULL, ENV "AUDIT_FOLLOW", CONFIG_WORD, FIELD(audit_follow), "always", 0, 0, "always open",
	  "fetch the audit trail from the start, or when it is opened" },
	{ "audit_required", NULL, ENV "AUDIT_REQUIRED", CONFIG_BOOL, FIELD(audit_required), "true", 0, 0, NULL,
	  "a weaver starts only when auditing works" },
	{ "audit_token_secret", NULL, ENV "AUDIT_TOKEN_SECRET", CONFIG_OBJECT, FIELD(audit_token_secret), NULL, 0, 0, NULL,
	  "secret with the sidecar's bearer token, mounted into it" },
	{ "audit_ca_secret", NULL, ENV "AUDIT_CA_SECRET", CONFIG_OBJECT, FIELD(audit_ca_secret), NULL, 0, 0, NULL,
	  "secret with the CA of the audit server, mounted into it" },
	{ "audit_allow_insecure_http", NULL, ENV "AUDIT_ALLOW_INSECURE_HTTP", CONFIG_BOOL, FIELD(audit_allow_insecure_http), "false", 0, 0, NULL,
	  "the sidecar may send to a server_url of http" },
	{ "audit_filter_paths_ignore", NULL, ENV "AUDIT_FILTER_PATHS_IGNORE", CONFIG_TEXT, FIELD(audit_filter_paths_ignore), NULL, 0, 0, NULL,
	  "with commas between: reads below these, and writes in /workspace, are not listed" },
	{ "audit_filter_paths_always", NULL, ENV "AUDIT_FILTER_PATHS_ALWAYS", CONFIG_TEXT, FIELD(audit_filter_paths_always), NULL, 0, 0, NULL,
	  "with commas between: what concerns these always is" },
	{ "audit_filter_read_sample_rate", NULL, ENV "AUDIT_FILTER_READ_SAMPLE_RATE", CONFIG_NUMBER, FIELD(audit_filter_read_sample_rate), "10", 1, 1000000, NULL,
	  "1 in so many reads in /workspace is" },
	{ "audit_filter_rate_limit", NULL, ENV "AUDIT_FILTER_RATE_LIMIT", CONFIG_NUMBER, FIELD(audit_filter_rate_limit), "5000", 0, 10000000, NULL,
	  "so many records of a kind a second are, executions, privileges and escapes always; 0: all" },
	{ "audit_stdout_bytes", NULL, ENV "AUDIT_STDOUT_BYTES", CONFIG_BYTES, FIELD(audit_stdout_bytes), "1048576", 0, 1 << 30, NULL,
	  "so many bytes a second go to the sidecar's log, too; 0: none" },
	{ "org_id", NULL, ENV "ORG_ID", CONFIG_LABEL, FIELD(org_id), "local", 0, 0, NULL,
	  "label loom.dev/org-id" },
	{ "users_file", "users", ENV "USERS_FILE", CONFIG_PATH, FIELD(users_file), NULL, 0, 0, NULL,
	  "YAML, \"uid: Loom user id\" a line" },
	{ "create_mode", NULL, ENV "CREATE_MODE", CONFIG_MODE, FIELD(create_mode), "1777", 0, 01777, NULL,
	  "mode of the root: who may mkdir" },
	{ "create_gid", NULL, ENV "CREATE_GID", CONFIG_TEXT, FIELD(create_gid), NULL, 0, 0, NULL,
	  "group of the root, a number or a name" },
	{ "max_per_user", NULL, ENV "MAX_PER_USER", CONFIG_NUMBER, FIELD(max_per_user), "0", 0, 100000, NULL,
	  "weavers of one user at once, 0: no limit" },
	{ "archive_hours", NULL, ENV "ARCHIVE_HOURS", CONFIG_NUMBER, FIELD(archive_hours), "72", 0, 87600, NULL,
	  "how long the archive keeps what is left" },
	{ "archive_max_bytes", NULL, ENV "ARCHIVE_MAX_BYTES", CONFIG_BYTES, FIELD(archive_max_bytes), "1073741824", 0, 1024 * TIB, NULL,
	  "how much it keeps" },
	{ "state_dir", NULL, ENV "STATE_DIR", CONFIG_PATH, FIELD(state_dir), NULL, 0, 0, NULL,
	  "unset: /var/lib/weaverfs, $XDG_STATE_HOME/weaverfs for a plain user" },
	{ "start_timeout", NULL, ENV "START_TIMEOUT", CONFIG_NUMBER, FIELD(start_timeout), "30", 0, 3600, NULL,
	  "seconds to wait for an API server that is away" },
	{ "create_timeout_ms", NULL, ENV "CREATE_TIMEOUT_MS", CONFIG_NUMBER, FIELD(create_timeout_ms), "2000", 100, 60000, NULL,
	  "how long mkdir, rmdir and writes may take" },
	{ "pod_patch", NULL, ENV "POD_PATCH", CONFIG_PATH, FIELD(pod_patch), NULL, 0, 0, NULL,
	  "YAML file merged into every pod (RFC 7386)" },
	{ "image_pull_policy", NULL, ENV "IMAGE_PULL_POLICY", CONFIG_WORD, FIELD(image_pull_policy), NULL, 0, 0, "Always IfNotPresent Never",
	  "of the weaver's image and the sidecar's; unset: Kubernetes pulls :latest, or no tag, each time" },
	{ "threads", NULL, ENV "THREADS", CONFIG_NUMBER, FIELD(threads), "1", 1, 64, NULL,
	  "threads that answer the kernel" },
	{ "log_level", NULL, ENV "LOG_LEVEL", CONFIG_WORD, FIELD(log_level), "info", 0, 0, "error warning info debug",
	  "what is logged" },
	{ "log_json", NULL, ENV "LOG_JSON", CONFIG_BOOL, FIELD(log_json), "false", 0, 0, NULL,
	  "one JSON object a line" },
};
/* clang-format on */
static_assert(ARRAY_SIZE(settings) <= CONFIG_SETTINGS_MAX, "sources[] is too short");

static void *field_of(struct config *c, const struct config_setting *s)
{
	return (char *)c + s->offset;
}

static const struct config_setting *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].name, name) == 0 ||
		    (settings[i].alias && strcmp(settings[i].alias, name) == 0))
			return &settings[i];
	}
	return NULL;
}

/* where: "mount option", "$LOOM_…", "file:line"; NULL: the default, which is right. */
static int set(struct config *c, const struct config_setting *s, const char *text,
	       enum source source, const char *where, struct error *e)
{
	int r = config_value_set(s, field_of(c, s), text, e);

	if (r == 0)
		c->sources[s - settings] = (unsigned char)source;
	if (r != -EINVAL)
		return r;
	if (s->kind == CONFIG_WEBHOOKS)
		return error_wrap(e, r, "%s (%s)", s->name, where);
	return error_wrap(e, r, "%s: bad value '%.100s' (%s)", s->name, text, where);
}

static int set_defaults(struct config *c, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct config_setting *s = &settings[i];
		int r = s->fallback ? set(c, s, s->fallback, SOURCE_DEFAULT, NULL, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A YAML value as the text that the other sources have; lists and JSON may be written natively. */
static int yaml_text(const struct config_setting *s, const cJSON *value, struct buf *out)
{
	if (cJSON_IsString(value)) {
		buf_add_str(out, value->valuestring);
	} else if (cJSON_IsArray(value) && s->kind == CONFIG_OBJECTS) {
		const cJSON *item;
		cJSON_ArrayForEach(item, value) {
			if (!cJSON_IsString(item))
				return -EINVAL;
			buf_printf(out, "%s,", item->valuestring);
		}
	} else if (s->kind == CONFIG_WEBHOOKS || cJSON_IsNumber(value) || cJSON_IsBool(value)) {
		_cleanup_(cleanup_free) char *json = cJSON_PrintUnformatted(value);
		if (!json)
			return -ENOMEM;
		buf_add_str(out, cJSON_IsNull(value) ? "" : json);
	} else if (!cJSON_IsNull(value)) {
		return -EINVAL;
	}
	return buf_error(out);
}

static int set_from_file(void *data, const char *key, cJSON *value, const char *where,
			 struct error *e)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const struct config_setting *s = find(key);

	if (!s)
		return error_set(e, EINVAL, "%s: unknown setting \"%.100s\"", where, key);
	int r = yaml_text(s, value, &text);
	if (r == -EINVAL)
		return error_set(e, EINVAL, "%s: %s: one value is wanted here", where, s->name);
	if (r < 0)
		return error_oom(e);
	return set(data, s, buf_str(&text), SOURCE_FILE, where, e);
}

static int read_file(struct config *c, const char *file, struct error *e)
{
	const char *path = file ? file : DEFAULT_FILE;

	if (!file && access(path, F_OK) < 0)
		return 0;
	return yaml_json_read(path, set_from_file, c, e);
}

static int read_environment(struct config *c, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct config_setting *s = &settings[i];
		const char *text = s->env ? getenv(s->env) : NULL;
		char where[64];

		if (!text)
			continue;
		snprintf(where, sizeof(where), "$%s", s->env);
		int r = set(c, s, text, SOURCE_ENV, where, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_from_option(void *data, const char *key, const char *value, struct error *e)
{
	const struct config_setting *s = find(key);

	/* "users" alone is mount(8)'s word */
	if (!s || (!value && strcmp(key, s->name) != 0))
		return 0;
	if (!value && s->kind != CONFIG_BOOL)
		return error_set(e, EINVAL, "%s (mount option): a value is wanted, %s=…", s->name,
				 s->name);
	int r = set(data, s, value ? value : "true", SOURCE_OPTION, "mount option", e);
	return r < 0 ? r : 1;
}

/* For what is looked up when all settings are known: e with the setting and where it came from. */
static int wrap_setting(const struct config *c, const char *name, int r, struct error *e)
{
	static const char *const from[] = { "default", "settings file", NULL, "mount option" };
	size_t i = 0;

	while (strcmp(settings[i].name, name) != 0)
		i++;
	const char *source = from[c->sources[i]];
	return error_wrap(e, r, "%s (%s)", name, source ? source : settings[i].env);
}

static int resolve_group(struct config *c, struct error *e)
{
	char *end;

	c->create_gid_id = getegid();
	if (!c->create_gid)
		return 0;
	unsigned long gid = strtoul(c->create_gid, &end, 10);
	if (isdigit((unsigned char)*c->create_gid) && !*end && gid < (gid_t)-1) {
		c->create_gid_id = (gid_t)gid;
		return 0;
	}
	const struct group *group = getgrnam(c->create_gid); /* before there are threads */
	if (!group)
		return wrap_setting(c, "create_gid",
				    error_set(e, EINVAL,
					      "bad value '%.100s': there is no such group",
					      c->create_gid),
				    e);
	c->create_gid_id = group->gr_gid;
	return 0;
}

static int add_patch_member(void *data, const char *key, cJSON *value, const char *where,
			    struct error *e)
{
	struct config *c = data;

	if (cJSON_GetObjectItemCaseSensitive(c->pod_patch_object, key))
		return error_set(e, EINVAL, "%s: \"%.100s\" twice", where, key);
	if (strcmp(key, "metadata") != 0 && strcmp(key, "spec") != 0)
		return error_set(e, EINVAL,
				 "%s: \"%.100s\" is no part of a pod that may be patched; "
				 "metadata and spec are",
				 where, key);
	if (!cJSON_IsObject(value))
		return error_set(e, EINVAL, "%s: \"%s\" must be a mapping", where, key);
	cJSON *copy = cJSON_Duplicate(value, true);
	if (!copy || !cJSON_AddItemToObject(c->pod_patch_object, key, copy)) {
		cJSON_Delete(copy);
		return error_oom(e);
	}
	return 0;
}

static int read_pod_patch(struct config *c, struct error *e)
{
	if (!c->pod_patch)
		return 0;
	c->pod_patch_object = cJSON_CreateObject();
	if (!c->pod_patch_object)
		return error_oom(e);
	int r = yaml_json_read(c->pod_patch, add_patch_member, c, e);
	return r < 0 ? wrap_setting(c, "pod_patch", r, e) : 0;
}

/* "1000" or "1000:100" in full. */
static int parse_user(const char *key, struct config_user *user)
{
	char *end;
	unsigned long uid = strtoul(key, &end, 10), gid = (gid_t)-1;

	if (*end == ':' && isdigit((unsigned char)end[1]))
		gid = strtoul(end + 1, &end, 10);
	user->uid = (uid_t)uid;
	user->gid = (gid_t)gid;
	return isdigit((unsigned char)*key) && !*end && uid < (uid_t)-1 && gid <= (gid_t)-1
		       ? 0
		       : -EINVAL;
}

static int add_user(void *data, const char *key, cJSON *value, const char *where, struct error *e)
{
	static const struct config_setting label = { .kind = CONFIG_LABEL, .fallback = "" };
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct config *c = data;
	struct config_user user = { 0 };

	if (parse_user(key, &user) < 0)
		return error_set(e, EINVAL, "%s: \"%.100s\" is no uid and no uid:gid", where, key);
	int r = yaml_text(&label, value, &text);
	if (r == 0)
		r = config_value_set(&label, &user.id, buf_str(&text), e);
	if (r < 0)
		return error_wrap(e, r, "%s: bad user id \"%.100s\"", where, buf_str(&text));
	struct config_user *users = reallocarray(c->users, c->n_users + 1, sizeof(*c->users));
	if (!users) {
		free(user.id);
		return error_oom(e);
	}
	c->users = users;
	c->users[c->n_users++] = user;
	return 0;
}

static int read_users(struct config *c, struct error *e)
{
	int r = c->users_file ? yaml_json_read(c->users_file, add_user, c, e) : 0;

	return r < 0 ? wrap_setting(c, "users_file", r, e) : 0;
}

static int check_together(const struct config *c, struct error *e)
{
	if (c->default_ttl_hours > c->max_ttl_hours)
		return error_set(e, EINVAL,
				 "default_ttl_hours: %" PRId64 " is more than "
				 "max_ttl_hours, which is %" PRId64,
				 c->default_ttl_hours, c->max_ttl_hours);
	if (c->audit_metrics_port == c->audit_health_port)
		return error_set(e, EINVAL,
				 "audit_metrics_port and audit_health_port: both are "
				 "%" PRId64 ", they must differ",
				 c->audit_health_port);
	return 0;
}

static int load(struct config *c, const struct config_input *in, struct buf *ret_fuse_options,
		struct error *e)
{
	int r = set_defaults(c, e);

	if (r == 0)
		r = read_file(c, in->file, e);
	if (r == 0)
		r = read_environment(c, e);
	if (r == 0 && in->options)
		r = config_options_read(in->options, set_from_option, c, ret_fuse_options, e);
	if (r == 0)
		r = check_together(c, e);
	if (r == 0)
		r = resolve_group(c, e);
	if (r == 0)
		r = read_pod_patch(c, e);
	return r == 0 ? read_users(c, e) : r;
}

int config_load(struct config *c, const struct config_input *in, struct buf *ret_fuse_options,
		struct error *e)
{
	memset(c, 0, sizeof(*c));
	int r = load(c, in, ret_fuse_options, e);
	if (r < 0)
		config_done(c);
	return r;
}

void config_done(struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		config_value_free(&settings[i], field_of(c, &settings[i]));
	cJSON_Delete(c->pod_patch_object);
	for (size_t i = 0; i < c->n_users; i++)
		free(c->users[i].id);
	free(c->users);
	memset(c, 0, sizeof(*c));
}

const char *config_user_id(const struct config *c, uid_t uid, gid_t gid,
			   char number[CONFIG_UID_LEN + 1])
{
	const char *any = number;

	snprintf(number, CONFIG_UID_LEN + 1, "%u", uid);
	for (size_t i = 0; i < c->n_users; i++) {
		const struct config_user *user = &c->users[i];
		if (user->uid == uid && user->gid == gid)
			return user->id;
		if (user->uid == uid && user->gid == (gid_t)-1)
			any = user->id;
	}
	return any;
}

void config_show(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct config_setting *s = &settings[i];
		buf_printf(out, "%s=", s->name);
		config_value_show(s, (const char *)c + s->offset, out);
		buf_printf(out, "  # %s\n", source_words[c->sources[i]]);
	}
}

void config_help(struct buf *out)
{
	buf_add_str(out, "Settings, as -o NAME=VALUE (a comma in a value is \"\\,\"), in the "
			 "environment, or in\n" DEFAULT_FILE ":\n");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct config_setting *s = &settings[i];
		buf_printf(out, "  %s%s%s%s%s\n", s->name, s->alias ? ", " : "",
			   s->alias ? s->alias : "", s->env ? "  $" : "", s->env ? s->env : "");
		buf_printf(out, "\t%s", s->help);
		if (s->words)
			buf_printf(out, "; one of: %s", s->words);
		if (s->kind == CONFIG_NUMBER || s->kind == CONFIG_BYTES)
			buf_printf(out, "; %" PRId64 " to %" PRId64, s->min, s->max);
		if (s->fallback)
			buf_printf(out, " (%s)", s->fallback);
		buf_add_char(out, '\n');
	}
}
