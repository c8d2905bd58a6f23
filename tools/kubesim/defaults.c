/* SPDX-License-Identifier: Apache-2.0 */
/* See defaults.h (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go). */
#include "tools/kubesim/defaults.h"

#include <string.h>

static void default_int(cJSON *o, const char *key, int64_t value)
{
	if (!cJSON_GetObjectItemCaseSensitive(o, key))
		json_set_int(o, key, value);
}

static void default_bool(cJSON *o, const char *key, bool value)
{
	if (!cJSON_GetObjectItemCaseSensitive(o, key))
		cJSON_AddBoolToObject(o, key, value);
}

static void defaults_probe(cJSON *probe)
{
	if (!probe)
		return;
	cJSON *http = json_at(probe, "httpGet");
	if (http) {
		json_default_str(http, "path", "/");
		json_default_str(http, "scheme", "HTTP");
	}
	default_int(probe, "timeoutSeconds", 1);
	default_int(probe, "periodSeconds", 10);
	default_int(probe, "successThreshold", 1);
	default_int(probe, "failureThreshold", 3);
}

static bool image_is_latest(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *colon = strrchr(slash ? slash : image, ':');
	return !strchr(image, '@') && (!colon || strcmp(colon, ":latest") == 0);
}

/* A limit without a request is the request. */
static void defaults_resources(cJSON *c)
{
	cJSON *resources = json_ensure(c, "resources");
	cJSON *limit;
	cJSON_ArrayForEach(limit, json_at(resources, "limits")) {
		cJSON *requests = json_ensure(resources, "requests");
		if (!cJSON_GetObjectItemCaseSensitive(requests, limit->string))
			json_set(requests, limit->string, cJSON_Duplicate(limit, true));
	}
}

static void defaults_containers(cJSON *list)
{
	cJSON *c, *env;
	cJSON_ArrayForEach(c, list) {
		cJSON_ArrayForEach(env, json_at(c, "env")) {
			cJSON *field = json_at(env, "valueFrom.fieldRef");
			if (field)
				json_default_str(field, "apiVersion", "v1");
		}
		defaults_resources(c);
		defaults_probe(json_at(c, "startupProbe"));
		defaults_probe(json_at(c, "livenessProbe"));
		defaults_probe(json_at(c, "readinessProbe"));
		json_default_str(c, "terminationMessagePath", "/dev/termination-log");
		json_default_str(c, "terminationMessagePolicy", "File");
		json_default_str(c, "imagePullPolicy",
				 image_is_latest(json_str_or(c, "image", "")) ? "Always"
									      : "IfNotPresent");
	}
}

static void defaults_tolerations(cJSON *spec)
{
	static const char *const keys[] = { "node.kubernetes.io/not-ready",
					    "node.kubernetes.io/unreachable" };
	cJSON *list = json_at(spec, "tolerations");
	if (!list)
		list = cJSON_AddArrayToObject(spec, "tolerations");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		cJSON *t = cJSON_CreateObject();
		cJSON_AddStringToObject(t, "key", keys[i]);
		cJSON_AddStringToObject(t, "operator", "Exists");
		cJSON_AddStringToObject(t, "effect", "NoExecute");
		cJSON_AddNumberToObject(t, "tolerationSeconds", 300);
		cJSON_AddItemToArray(list, t);
	}
}

/* Guaranteed when every container's limits equal its requests for cpu and memory. */
static const char *qos_class(const cJSON *spec)
{
	bool any = false, guaranteed = true;
	static const char *const lists[] = { "containers", "initContainers" };
	static const char *const names[] = { "cpu", "memory" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cJSON *c;
		cJSON_ArrayForEach(c, json_at(spec, lists[i])) {
			for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
				const char *request =
					json_member(json_at(c, "resources.requests"), names[j]);
				const char *limit =
					json_member(json_at(c, "resources.limits"), names[j]);
				any = any || request || limit;
				guaranteed = guaranteed && request && limit &&
					     strcmp(request, limit) == 0;
			}
		}
	}
	return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

void defaults_pod(cJSON *pod)
{
	cJSON *spec = json_ensure(pod, "spec");
	json_set_int(json_ensure(pod, "metadata"), "generation", 1);
	defaults_containers(json_at(spec, "initContainers"));
	defaults_containers(json_at(spec, "containers"));
	json_default_str(spec, "restartPolicy", "Always");
	default_int(spec, "terminationGracePeriodSeconds", 30);
	json_default_str(spec, "dnsPolicy", "ClusterFirst");
	json_default_str(spec, "serviceAccountName", "default");
	json_default_str(spec, "serviceAccount",
			 json_str_or(spec, "serviceAccountName", "default"));
	json_ensure(spec, "securityContext");
	json_default_str(spec, "schedulerName", "default-scheduler");
	defaults_tolerations(spec);
	default_int(spec, "priority", 0);
	default_bool(spec, "enableServiceLinks", true);
	json_default_str(spec, "preemptionPolicy", "PreemptLowerPriority");
	cJSON *status = cJSON_CreateObject();
	cJSON_AddStringToObject(status, "phase", "Pending");
	cJSON_AddStringToObject(status, "qosClass", qos_class(spec));
	json_set(pod, "status", status);
}
