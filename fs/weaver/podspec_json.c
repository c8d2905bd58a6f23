/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON fails one call at a time; here one flag gathers that. The merge is for the operators'
 * patch: plain RFC 7386 would make them repeat our whole container to add one limit to it.
 */
#include "fs/weaver/podspec_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Takes item. */
static cJSON *add(struct podspec_json *b, cJSON *to, const char *key, cJSON *item)
{
	bool ok = item && to &&
		  (key ? cJSON_AddItemToObject(to, key, item) : cJSON_AddItemToArray(to, item));

	if (ok)
		return item;
	cJSON_Delete(item);
	b->failed = true;
	return NULL;
}

cJSON *podspec_json_object(struct podspec_json *b, cJSON *to, const char *key)
{
	return add(b, to, key, cJSON_CreateObject());
}

cJSON *podspec_json_array(struct podspec_json *b, cJSON *to, const char *key)
{
	return add(b, to, key, cJSON_CreateArray());
}

void podspec_json_string(struct podspec_json *b, cJSON *to, const char *key, const char *value)
{
	add(b, to, key, cJSON_CreateString(value));
}

void podspec_json_number(struct podspec_json *b, cJSON *to, const char *key, int64_t value)
{
	add(b, to, key, cJSON_CreateNumber((double)value));
}

void podspec_json_bool(struct podspec_json *b, cJSON *to, const char *key, bool value)
{
	add(b, to, key, cJSON_CreateBool(value));
}

void podspec_json_env(struct podspec_json *b, cJSON *env, const char *name, const char *value)
{
	if (!value)
		return;
	cJSON *entry = podspec_json_object(b, env, NULL);
	podspec_json_string(b, entry, "name", name);
	podspec_json_string(b, entry, "value", value);
}

void podspec_json_env_number(struct podspec_json *b, cJSON *env, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	podspec_json_env(b, env, name, text);
}

/* What makes an element of a list the same in both; NULL: it has no such thing. */
static const char *merge_key(const cJSON *element)
{
	const char *path =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(element, "mountPath"));

	return path ? path
		    : cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(element, "name"));
}

static bool is_keyed(const cJSON *list)
{
	const cJSON *element;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(element, list) {
		if (!merge_key(element))
			return false;
	}
	return true;
}

static cJSON *find_keyed(cJSON *list, const char *key)
{
	cJSON *element;

	cJSON_ArrayForEach(element, list) {
		if (strcmp(merge_key(element), key) == 0)
			return element;
	}
	return NULL;
}

static void merge_list(struct podspec_json *b, cJSON *to, const cJSON *patch)
{
	const cJSON *element;

	cJSON_ArrayForEach(element, patch) {
		cJSON *old = find_keyed(to, merge_key(element));
		if (old)
			podspec_json_merge(b, old, element);
		else
			add(b, to, NULL, cJSON_Duplicate(element, true));
	}
}

static void merge_member(struct podspec_json *b, cJSON *to, const cJSON *member)
{
	const char *key = member->string;
	cJSON *old = cJSON_GetObjectItemCaseSensitive(to, key);

	if (cJSON_IsNull(member)) {
		cJSON_DeleteItemFromObjectCaseSensitive(to, key);
	} else if (cJSON_IsObject(member)) {
		if (!cJSON_IsObject(old)) {
			cJSON_DeleteItemFromObjectCaseSensitive(to, key);
			old = podspec_json_object(b, to, key);
		}
		podspec_json_merge(b, old, member);
	} else if (is_keyed(old) && is_keyed(member)) {
		merge_list(b, old, member);
	} else {
		cJSON_DeleteItemFromObjectCaseSensitive(to, key);
		add(b, to, key, cJSON_Duplicate(member, true));
	}
}

void podspec_json_merge(struct podspec_json *b, cJSON *to, const cJSON *patch)
{
	const cJSON *member;

	if (!to)
		return;
	cJSON_ArrayForEach(member, patch)
		merge_member(b, to, member);
}
