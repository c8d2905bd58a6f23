/* SPDX-License-Identifier: Apache-2.0 */
/* See discovery.h. */
#include "tools/kubesim/discovery.h"

#include <stdio.h>
#include <string.h>

#include "tools/kubesim/kind.h"
#include "tools/kubesim/reply.h"

static char discovery_text[48] = "v1.34.4+kubesim";
static unsigned discovery_major = 1, discovery_minor = 34;

bool discovery_set_version(const char *version)
{
	char rest;
	unsigned patch;

	if (sscanf(version, "v%u.%u.%u%c", &discovery_major, &discovery_minor, &patch, &rest) != 3)
		return false;
	snprintf(discovery_text, sizeof(discovery_text), "v%u.%u.%u+kubesim", discovery_major,
		 discovery_minor, patch);
	return true;
}

const char *discovery_version(void)
{
	return discovery_text;
}

bool discovery_public(const struct request *r)
{
	static const char *const paths[] = { "/version", "/healthz", "/readyz", "/livez" };
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (strcmp(r->path, paths[i]) == 0)
			return true;
	return false;
}

static void serve_version(struct request *r)
{
	cJSON *o = cJSON_CreateObject();
	char major[16], minor[16];
	snprintf(major, sizeof(major), "%u", discovery_major);
	snprintf(minor, sizeof(minor), "%u", discovery_minor);
	cJSON_AddStringToObject(o, "major", major);
	cJSON_AddStringToObject(o, "minor", minor);
	cJSON_AddStringToObject(o, "gitVersion", discovery_text);
	cJSON_AddStringToObject(o, "gitCommit", "");
	cJSON_AddStringToObject(o, "gitTreeState", "clean");
	cJSON_AddStringToObject(o, "buildDate", "2026-11-24T00:00:00Z");
	cJSON_AddStringToObject(o, "goVersion", "none");
	cJSON_AddStringToObject(o, "compiler", "cc");
	cJSON_AddStringToObject(o, "platform", "linux/amd64");
	reply_json(r, 200, o);
}

static void resource_add(cJSON *list, const char *name, const char *kind, bool namespaced,
			 const char *const *verbs, int count, const char *short_name)
{
	cJSON *o = cJSON_CreateObject();
	char singular[64] = "";
	if (!strchr(name, '/'))
		for (size_t i = 0; kind[i] && i + 1 < sizeof(singular); i++)
			singular[i] =
				(char)(kind[i] >= 'A' && kind[i] <= 'Z' ? kind[i] + 32 : kind[i]);
	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddStringToObject(o, "singularName", singular);
	cJSON_AddBoolToObject(o, "namespaced", namespaced);
	cJSON_AddStringToObject(o, "kind", kind);
	cJSON_AddItemToObject(o, "verbs", cJSON_CreateStringArray(verbs, count));
	if (short_name)
		cJSON_AddItemToObject(o, "shortNames", cJSON_CreateStringArray(&short_name, 1));
	cJSON_AddItemToArray(list, o);
}

static void serve_resources(struct request *r, const char *group, const char *version)
{
	static const char *const verbs[] = { "create", "delete", "deletecollection", "get",
					     "list",   "patch",  "update",           "watch" };
	static const char *const get[] = { "get" }, *const both[] = { "create", "get" };
	static const char *const streams[] = { "pods/attach", "pods/exec", "pods/portforward" };
	static const char *const options[] = { "PodAttachOptions", "PodExecOptions",
					       "PodPortForwardOptions" };
	char api[96];
	snprintf(api, sizeof(api), "%s%s%s", group, group[0] ? "/" : "", version);
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "kind", "APIResourceList");
	if (group[0])
		cJSON_AddStringToObject(o, "apiVersion", "v1");
	cJSON_AddStringToObject(o, "groupVersion", api);
	cJSON *list = cJSON_AddArrayToObject(o, "resources");
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &kind_table[i];
		if (strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0)
			resource_add(list, k->plural, k->kind, k->namespaced, verbs,
				     ARRAY_SIZE(verbs), k->short_name);
	}
	if (!group[0]) {
		resource_add(list, "pods/log", "Pod", true, get, 1, NULL);
		for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
			resource_add(list, streams[i], options[i], true, both, 2, NULL);
	}
	if (strcmp(group, "authorization.k8s.io") == 0)
		resource_add(list, "selfsubjectaccessreviews", "SelfSubjectAccessReview", false,
			     both, 1, NULL);
	reply_json(r, 200, o);
}

static void group_add(cJSON *list, const char *group)
{
	char api[96];
	snprintf(api, sizeof(api), "%s/v1", group);
	cJSON *o = cJSON_CreateObject(), *version = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "name", group);
	cJSON_AddStringToObject(version, "groupVersion", api);
	cJSON_AddStringToObject(version, "version", "v1");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "versions"), cJSON_Duplicate(version, true));
	cJSON_AddItemToObject(o, "preferredVersion", version);
	cJSON_AddItemToArray(list, o);
}

static bool group_known(const cJSON *list, const char *group)
{
	return json_find_named(list, group) != NULL;
}

static void serve_groups(struct request *r)
{
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "kind", "APIGroupList");
	cJSON_AddStringToObject(o, "apiVersion", "v1");
	cJSON *list = cJSON_AddArrayToObject(o, "groups");
	group_add(list, "authorization.k8s.io");
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kind_table[i].group[0] && !group_known(list, kind_table[i].group))
			group_add(list, kind_table[i].group);
	reply_json(r, 200, o);
}

static void serve_versions(struct request *r)
{
	static const char *const v1[] = { "v1" };
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "kind", "APIVersions");
	cJSON_AddItemToObject(o, "versions", cJSON_CreateStringArray(v1, 1));
	cJSON_AddArrayToObject(o, "serverAddressByClientCIDRs");
	reply_json(r, 200, o);
}

/*
 * Just enough for `kubectl create` and `apply` to see that this server takes fieldValidation: with
 * that they leave validation to it and fetch no schema.
 */
static void openapi_add(cJSON *paths, const struct kind *k)
{
	char path[200], api[96];
	kind_api_version(k, api, sizeof(api));
	snprintf(path, sizeof(path), "/%s/%s%s/%s/{name}", k->group[0] ? "apis" : "api", api,
		 k->namespaced ? "/namespaces/{namespace}" : "", k->plural);
	cJSON *patch = cJSON_AddObjectToObject(cJSON_AddObjectToObject(paths, path), "patch");
	cJSON *gvk = cJSON_AddObjectToObject(patch, "x-kubernetes-group-version-kind");
	cJSON_AddStringToObject(gvk, "group", k->group);
	cJSON_AddStringToObject(gvk, "kind", k->kind);
	cJSON_AddStringToObject(gvk, "version", k->version);
	cJSON *parameter = cJSON_CreateObject();
	cJSON_AddStringToObject(parameter, "name", "fieldValidation");
	cJSON_AddStringToObject(parameter, "in", "query");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(patch, "parameters"), parameter);
}

static void serve_openapi(struct request *r, const char *rest)
{
	cJSON *o = cJSON_CreateObject(), *paths = cJSON_CreateObject();
	if (rest[0])
		cJSON_AddStringToObject(o, "openapi", "3.0.0");
	cJSON *info = rest[0] ? cJSON_AddObjectToObject(o, "info") : NULL;
	if (info) {
		cJSON_AddStringToObject(info, "title", "kubesim");
		cJSON_AddStringToObject(info, "version", discovery_text);
	}
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &kind_table[i];
		char api[96], key[128], url[160];
		kind_api_version(k, api, sizeof(api));
		snprintf(key, sizeof(key), "%s/%s", k->group[0] ? "apis" : "api", api);
		if (rest[0]) {
			if (strcmp(rest, key) == 0)
				openapi_add(paths, k);
		} else if (!cJSON_GetObjectItemCaseSensitive(paths, key)) {
			snprintf(url, sizeof(url), "/openapi/v3/%s", key);
			cJSON_AddStringToObject(cJSON_AddObjectToObject(paths, key),
						"serverRelativeURL", url);
		}
	}
	cJSON_AddItemToObject(o, "paths", paths);
	reply_json(r, 200, o);
}

static bool serve_group(struct request *r)
{
	char group[96], version[32];
	int used = 0;
	if (sscanf(r->path, "/apis/%95[^/]/%31[^/]%n", group, version, &used) != 2 || r->path[used])
		return false;
	bool known = strcmp(group, "authorization.k8s.io") == 0;
	for (size_t i = 0; i < KIND_COUNT && !known; i++)
		known = strcmp(kind_table[i].group, group) == 0;
	if (known && strcmp(version, "v1") == 0)
		serve_resources(r, group, version);
	return known && strcmp(version, "v1") == 0;
}

bool discovery_serve(struct request *r)
{
	if (strcmp(r->path, "/version") == 0)
		serve_version(r);
	else if (discovery_public(r))
		reply_text(r, 200, "text/plain; charset=utf-8", "ok");
	else if (strcmp(r->path, "/api") == 0)
		serve_versions(r);
	else if (strcmp(r->path, "/apis") == 0)
		serve_groups(r);
	else if (strcmp(r->path, "/api/v1") == 0)
		serve_resources(r, "", "v1");
	else if (strcmp(r->path, "/openapi/v3") == 0)
		serve_openapi(r, "");
	else if (strncmp(r->path, "/openapi/v3/", 12) == 0)
		serve_openapi(r, r->path + 12);
	else
		return serve_group(r);
	return true;
}
