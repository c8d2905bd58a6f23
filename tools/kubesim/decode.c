/* SPDX-License-Identifier: Apache-2.0 */
/* See decode.h. */
#include "tools/kubesim/decode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/quantity.h"

static const char *unknown_key(const cJSON *o, const char *const *known)
{
	cJSON *item;
	cJSON_ArrayForEach(item, o) {
		bool found = false;
		for (size_t i = 0; known[i] && !found; i++)
			found = strcmp(known[i], item->string) == 0;
		if (!found)
			return item->string;
	}
	return NULL;
}

static const char *const top_keys[] = { "kind", "apiVersion", "metadata", "spec", "status", NULL };
static const char *const metadata_keys[] = { "name",
					     "generateName",
					     "namespace",
					     "selfLink",
					     "uid",
					     "resourceVersion",
					     "generation",
					     "creationTimestamp",
					     "deletionTimestamp",
					     "deletionGracePeriodSeconds",
					     "labels",
					     "annotations",
					     "ownerReferences",
					     "finalizers",
					     "managedFields",
					     NULL };
static const char *const spec_keys[] = { "volumes",
					 "initContainers",
					 "containers",
					 "ephemeralContainers",
					 "restartPolicy",
					 "terminationGracePeriodSeconds",
					 "activeDeadlineSeconds",
					 "dnsPolicy",
					 "nodeSelector",
					 "serviceAccountName",
					 "serviceAccount",
					 "automountServiceAccountToken",
					 "nodeName",
					 "hostNetwork",
					 "hostPID",
					 "hostIPC",
					 "shareProcessNamespace",
					 "securityContext",
					 "imagePullSecrets",
					 "hostname",
					 "subdomain",
					 "affinity",
					 "schedulerName",
					 "tolerations",
					 "hostAliases",
					 "priorityClassName",
					 "priority",
					 "dnsConfig",
					 "readinessGates",
					 "runtimeClassName",
					 "enableServiceLinks",
					 "preemptionPolicy",
					 "overhead",
					 "topologySpreadConstraints",
					 "setHostnameAsFQDN",
					 "os",
					 "hostUsers",
					 "schedulingGates",
					 "resourceClaims",
					 "resources",
					 "hostnameOverride",
					 NULL };
static const char *const container_keys[] = { "name",
					      "image",
					      "command",
					      "args",
					      "workingDir",
					      "ports",
					      "envFrom",
					      "env",
					      "resources",
					      "resizePolicy",
					      "restartPolicy",
					      "restartPolicyRules",
					      "volumeMounts",
					      "volumeDevices",
					      "livenessProbe",
					      "readinessProbe",
					      "startupProbe",
					      "lifecycle",
					      "terminationMessagePath",
					      "terminationMessagePolicy",
					      "imagePullPolicy",
					      "securityContext",
					      "stdin",
					      "stdinOnce",
					      "tty",
					      NULL };

static int decode_fail(struct error *e, const struct kind *k, const char *what)
{
	return error_set(e, EINVAL, "%s in version \"%s\" cannot be handled as a %s: %s", k->kind,
			 k->version, k->kind, what);
}

static int quantities_check(const struct kind *k, const cJSON *resources, struct error *e)
{
	static const char *const lists[] = { "requests", "limits" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		cJSON *q;
		cJSON_ArrayForEach(q, json_at(resources, lists[i])) {
			int64_t n;
			if (cJSON_IsNumber(q) ||
			    (q->valuestring && quantity_parse(q->valuestring, &n, NULL) != -EINVAL))
				continue;
			return decode_fail(e, k,
					   "quantities must match the regular expression "
					   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
		}
	}
	return 0;
}

static int strict_fail(struct error *e, const struct kind *k, const char *path, const char *key)
{
	char text[256];
	snprintf(text, sizeof(text), "strict decoding error: unknown field \"%s%s\"", path, key);
	return decode_fail(e, k, text);
}

static int containers_decode(const struct kind *k, const cJSON *pod, const char *list, bool strict,
			     struct error *e)
{
	cJSON *c;
	int i = 0;
	cJSON_ArrayForEach(c, json_at(json_at(pod, "spec"), list)) {
		char path[64];
		snprintf(path, sizeof(path), "spec.%s[%d].", list, i++);
		const char *key = strict ? unknown_key(c, container_keys) : NULL;
		if (key)
			return strict_fail(e, k, path, key);
		int r = quantities_check(k, json_at(c, "resources"), e);
		if (r < 0)
			return r;
	}
	return 0;
}

bool decode_check(const struct kind *k, const cJSON *json, bool strict, struct error *e)
{
	const char *key;
	if (strict && (key = unknown_key(json_at(json, "metadata"), metadata_keys)))
		return strict_fail(e, k, "metadata.", key) == 0;
	if (!kind_is(k, KIND_POD))
		return true;
	if (strict && (key = unknown_key(json, top_keys)))
		return strict_fail(e, k, "", key) == 0;
	if (strict && (key = unknown_key(json_at(json, "spec"), spec_keys)))
		return strict_fail(e, k, "spec.", key) == 0;
	return containers_decode(k, json, "initContainers", strict, e) == 0 &&
	       containers_decode(k, json, "containers", strict, e) == 0;
}
