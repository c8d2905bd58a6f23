/* SPDX-License-Identifier: Apache-2.0 */
/* See json.h. */
#include "tools/kubesim/json.h"

#include <stdlib.h>
#include <string.h>

cJSON *json_at(const cJSON *o, const char *path)
{
	char key[64];
	while (o && *path) {
		size_t n = strcspn(path, ".");
		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		o = cJSON_GetObjectItemCaseSensitive(o, key);
		path += n + (path[n] == '.');
	}
	return (cJSON *)(uintptr_t)o;
}

const char *json_str(const cJSON *o, const char *path)
{
	return cJSON_GetStringValue(json_at(o, path));
}

const char *json_str_or(const cJSON *o, const char *path, const char *otherwise)
{
	const char *s = json_str(o, path);
	return s ? s : otherwise;
}

int64_t json_int(const cJSON *o, const char *path, int64_t otherwise)
{
	const cJSON *n = json_at(o, path);
	return cJSON_IsNumber(n) ? (int64_t)n->valuedouble : otherwise;
}

bool json_true(const cJSON *o, const char *path)
{
	return cJSON_IsTrue(json_at(o, path));
}

const char *json_member(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

void json_set(cJSON *o, const char *key, cJSON *value)
{
	if (cJSON_GetObjectItemCaseSensitive(o, key))
		cJSON_ReplaceItemInObjectCaseSensitive(o, key, value);
	else
		cJSON_AddItemToObject(o, key, value);
}

void json_set_str(cJSON *o, const char *key, const char *value)
{
	json_set(o, key, cJSON_CreateString(value));
}

void json_set_int(cJSON *o, const char *key, int64_t value)
{
	json_set(o, key, cJSON_CreateNumber((double)value));
}

void json_default_str(cJSON *o, const char *key, const char *value)
{
	if (!cJSON_GetObjectItemCaseSensitive(o, key))
		cJSON_AddStringToObject(o, key, value);
}

cJSON *json_ensure(cJSON *o, const char *key)
{
	cJSON *child = cJSON_GetObjectItemCaseSensitive(o, key);
	if (cJSON_IsObject(child))
		return child;
	child = cJSON_CreateObject();
	json_set(o, key, child);
	return child;
}

cJSON *json_find_named(const cJSON *array, const char *name)
{
	cJSON *item;
	cJSON_ArrayForEach(item, array) {
		const char *s = json_member(item, "name");
		if (s && strcmp(s, name) == 0)
			return item;
	}
	return NULL;
}

void json_add(struct buf *b, const cJSON *o)
{
	_cleanup_(cleanup_free) char *text = cJSON_PrintUnformatted(o);
	if (text)
		buf_add_str(b, text);
	else
		b->failed = true;
}

cJSON *json_parse(const char *text, size_t len)
{
	return cJSON_ParseWithLength(text, len);
}
