/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit sidecar is a native one (KEP-753): an init container with restartPolicy Always. Its
 * startupProbe holds the weaver back until auditing works, and a finished weaver completes without
 * waiting for it. Two capabilities, nothing of the host but the shared probes' directory.
 */
#include "fs/weaver/podspec_sidecar.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/weaver/podspec_json.h"

#define BUFFER_PATH "/var/lib/audit"
#define BPFFS_PATH "/sys/fs/bpf"
#define TOKEN_PATH "/run/secrets/loom/token"
#define CA_PATH "/run/secrets/loom/ca"

#define MIB (1024 * 1024)

static void add_resources(struct podspec_json *b, cJSON *container)
{
	cJSON *resources = podspec_json_object(b, container, "resources");
	cJSON *limits = podspec_json_object(b, resources, "limits");
	cJSON *requests = podspec_json_object(b, resources, "requests");

	podspec_json_string(b, limits, "cpu", "100m");
	podspec_json_string(b, limits, "memory", "128Mi");
	podspec_json_string(b, requests, "cpu", "50m");
	podspec_json_string(b, requests, "memory", "64Mi");
}

static void add_security(struct podspec_json *b, cJSON *container)
{
	cJSON *security = podspec_json_object(b, container, "securityContext");
	cJSON *capabilities = podspec_json_object(b, security, "capabilities");
	cJSON *added = podspec_json_array(b, capabilities, "add");

	podspec_json_string(b, added, NULL, "BPF");
	podspec_json_string(b, added, NULL, "PERFMON");
	podspec_json_string(b, podspec_json_array(b, capabilities, "drop"), NULL, "ALL");
	podspec_json_number(b, security, "runAsUser", 0);
	podspec_json_bool(b, security, "readOnlyRootFilesystem", true);
	podspec_json_bool(b, security, "allowPrivilegeEscalation", false);
	podspec_json_string(b, podspec_json_object(b, security, "seccompProfile"), "type",
			    "RuntimeDefault");
}

/* The kubelet's default period of 10 s would cost 10 s: the first probe comes one period late. */
static void add_probe(struct podspec_json *b, cJSON *container, int64_t port)
{
	cJSON *probe = podspec_json_object(b, container, "startupProbe");
	cJSON *get = podspec_json_object(b, probe, "httpGet");

	podspec_json_string(b, get, "path", "/health");
	podspec_json_number(b, get, "port", port);
	podspec_json_number(b, probe, "periodSeconds", 1);
	podspec_json_number(b, probe, "timeoutSeconds", 1);
	podspec_json_number(b, probe, "failureThreshold", 60);
}

static void add_field_env(struct podspec_json *b, cJSON *env, const char *name, const char *path)
{
	cJSON *entry = podspec_json_object(b, env, NULL);
	cJSON *from = podspec_json_object(b, entry, "valueFrom");

	podspec_json_string(b, entry, "name", name);
	podspec_json_string(b, podspec_json_object(b, from, "fieldRef"), "fieldPath", path);
}

static void add_env(struct podspec_json *b, cJSON *container, const struct podspec_identity *id,
		    const struct config *config)
{
	cJSON *env = podspec_json_array(b, container, "env");

	podspec_json_env(b, env, "LOOM_WEAVER_ID", id->id);
	podspec_json_env(b, env, "LOOM_ORG_ID", config->org_id);
	podspec_json_env(b, env, "LOOM_OWNER_USER_ID", id->owner_user_id);
	add_field_env(b, env, "LOOM_POD_NAME", "metadata.name");
	add_field_env(b, env, "LOOM_POD_NAMESPACE", "metadata.namespace");
	podspec_json_env(b, env, "LOOM_SERVER_URL", config->server_url);
	podspec_json_env_number(b, env, "LOOM_AUDIT_BATCH_INTERVAL_MS",
				config->audit_batch_interval_ms);
	podspec_json_env_number(b, env, "LOOM_AUDIT_BUFFER_MAX_BYTES",
				config->audit_buffer_max_bytes);
	podspec_json_env_number(b, env, "LOOM_AUDIT_METRICS_PORT", config->audit_metrics_port);
	podspec_json_env_number(b, env, "LOOM_AUDIT_HEALTH_PORT", config->audit_health_port);
	podspec_json_env(b, env, "LOOM_AUDIT_BUFFER_PATH", BUFFER_PATH);
	podspec_json_env(b, env, "LOOM_AUDIT_LOG_LEVEL", config->log_level);
	podspec_json_env(b, env, "LOOM_AUDIT_FILTER_PATHS_IGNORE",
			 config->audit_filter_paths_ignore);
	podspec_json_env(b, env, "LOOM_AUDIT_FILTER_PATHS_ALWAYS",
			 config->audit_filter_paths_always);
	podspec_json_env_number(b, env, "LOOM_AUDIT_FILTER_READ_SAMPLE_RATE",
				config->audit_filter_read_sample_rate);
	podspec_json_env_number(b, env, "LOOM_AUDIT_FILTER_RATE_LIMIT",
				config->audit_filter_rate_limit);
	podspec_json_env_number(b, env, "LOOM_AUDIT_STDOUT_BYTES", config->audit_stdout_bytes);
	if (config->audit_allow_insecure_http)
		podspec_json_env(b, env, "LOOM_AUDIT_ALLOW_INSECURE_HTTP", "1");
}

static void add_mount(struct podspec_json *b, cJSON *container, const char *volume,
		      const char *path, bool read_only)
{
	cJSON *mounts = cJSON_GetObjectItemCaseSensitive(container, "volumeMounts");
	cJSON *mount = podspec_json_object(
		b, mounts ? mounts : podspec_json_array(b, container, "volumeMounts"), NULL);

	podspec_json_string(b, mount, "name", volume);
	podspec_json_string(b, mount, "mountPath", path);
	if (read_only)
		podspec_json_bool(b, mount, "readOnly", true);
}

static cJSON *add_volume(struct podspec_json *b, cJSON *volumes, const char *name,
			 const char *source)
{
	cJSON *volume = podspec_json_object(b, volumes, NULL);

	podspec_json_string(b, volume, "name", name);
	return podspec_json_object(b, volume, source);
}

static void add_secret(struct podspec_json *b, cJSON *volumes, cJSON *container, const char *volume,
		       const char *secret, const char *path)
{
	if (!secret)
		return;
	podspec_json_string(b, add_volume(b, volumes, volume, "secret"), "secretName", secret);
	add_mount(b, container, volume, path, true);
}

/* Over its sizeLimit the kubelet evicts the weaver, hence the quarter more than the buffer. */
static void add_volumes(struct podspec_json *b, cJSON *spec, cJSON *container,
			const struct config *config)
{
	cJSON *volumes = podspec_json_array(b, spec, "volumes");
	int64_t limit = config->audit_buffer_max_bytes + config->audit_buffer_max_bytes / 4;
	bool whole = limit % MIB == 0;
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64 "%s", whole ? limit / MIB : limit,
		 whole ? "Mi" : "");
	podspec_json_string(b, add_volume(b, volumes, "audit-buffer", "emptyDir"), "sizeLimit",
			    text);
	add_mount(b, container, "audit-buffer", BUFFER_PATH, false);
	if (strcmp(config->audit_probes, "shared") == 0) {
		cJSON *host = add_volume(b, volumes, "bpffs", "hostPath");
		podspec_json_string(b, host, "path", BPFFS_PATH);
		podspec_json_string(b, host, "type", "Directory");
		add_mount(b, container, "bpffs", BPFFS_PATH, false);
	}
	add_secret(b, volumes, container, "audit-token", config->audit_token_secret, TOKEN_PATH);
	add_secret(b, volumes, container, "audit-ca", config->audit_ca_secret, CA_PATH);
}

int podspec_sidecar_add(cJSON *spec, const struct podspec_identity *id, const struct config *config)
{
	struct podspec_json b = { 0 };
	cJSON *container =
		podspec_json_object(&b, podspec_json_array(&b, spec, "initContainers"), NULL);

	podspec_json_string(&b, container, "name", LOOM_SIDECAR);
	podspec_json_string(&b, container, "image", config->audit_image);
	podspec_json_string(&b, container, "restartPolicy", "Always");
	if (config->image_pull_policy)
		podspec_json_string(&b, container, "imagePullPolicy", config->image_pull_policy);
	add_env(&b, container, id, config);
	add_resources(&b, container);
	add_security(&b, container);
	if (config->audit_required)
		add_probe(&b, container, config->audit_health_port);
	add_volumes(&b, spec, container, config);
	return b.failed ? -ENOMEM : 0;
}
