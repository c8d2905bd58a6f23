/* SPDX-License-Identifier: Apache-2.0 */
/* See patch.h. */
#include "tools/kubesim/patch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum patch_type patch_type(const char *content_type)
{
	static const struct {
		const char *name;
		enum patch_type type;
	} types[] = {
		{ "application/merge-patch+json", PATCH_MERGE },
		{ "application/strategic-merge-patch+json", PATCH_STRATEGIC },
		{ "application/json-patch+json", PATCH_JSON },
	};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strncmp(content_type, types[i].name, strlen(types[i].name)) == 0)
			return types[i].type;
	return PATCH_UNKNOWN;
}

/* ---- merge ---- */

/* Lists whose elements strategic merge knows by name; all others are replaced. */
static bool merged_by_name(const char *key)
{
	static const char *const keys[] = { "containers", "initContainers",   "volumes",
					    "env",        "imagePullSecrets", "secrets" };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static void merge(cJSON *target, const cJSON *patch, bool strategic);

static void merge_named(cJSON *list, const cJSON *patch)
{
	cJSON *item;
	cJSON_ArrayForEach(item, patch) {
		const char *name = json_member(item, "name");
		cJSON *have = name ? json_find_named(list, name) : NULL;
		const char *directive = json_member(item, "$patch");
		if (have && directive && strcmp(directive, "delete") == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, have));
		else if (have)
			merge(have, item, true);
		else
			cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
	}
}

static void merge(cJSON *target, const cJSON *patch, bool strategic)
{
	cJSON *item;
	cJSON_ArrayForEach(item, patch) {
		cJSON *have = cJSON_GetObjectItemCaseSensitive(target, item->string);
		if (strategic && item->string[0] == '$')
			continue;
		if (cJSON_IsNull(item)) {
			cJSON_DeleteItemFromObjectCaseSensitive(target, item->string);
		} else if (cJSON_IsObject(item)) {
			if (!cJSON_IsObject(have))
				json_set(target, item->string, cJSON_CreateObject());
			merge(cJSON_GetObjectItemCaseSensitive(target, item->string), item,
			      strategic);
		} else if (strategic && cJSON_IsArray(item) && cJSON_IsArray(have) &&
			   merged_by_name(item->string)) {
			merge_named(have, item);
		} else {
			json_set(target, item->string, cJSON_Duplicate(item, true));
		}
	}
}

/* ---- JSON Patch ---- */

/* The container of the last token of a JSON pointer (RFC 6901) and that token, unescaped. */
static cJSON *pointer_parent(cJSON *root, const char *path, char *token, size_t size)
{
	cJSON *at = root;
	while (*path == '/') {
		size_t n = 0;
		path++;
		for (; *path && *path != '/' && n + 1 < size; path++) {
			if (path[0] == '~' && (path[1] == '0' || path[1] == '1'))
				token[n++] = *++path == '0' ? '~' : '/';
			else
				token[n++] = *path;
		}
		token[n] = '\0';
		if (!*path)
			return at;
		at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(token))
				       : cJSON_GetObjectItemCaseSensitive(at, token);
	}
	return NULL;
}

static cJSON *pointer_child(cJSON *parent, const char *token)
{
	if (cJSON_IsArray(parent))
		return cJSON_GetArrayItem(parent, atoi(token));
	return cJSON_GetObjectItemCaseSensitive(parent, token);
}

static void pointer_put(cJSON *parent, const char *token, cJSON *value, bool replace)
{
	if (!cJSON_IsArray(parent))
		json_set(parent, token, value);
	else if (strcmp(token, "-") == 0)
		cJSON_AddItemToArray(parent, value);
	else if (replace)
		cJSON_ReplaceItemInArray(parent, atoi(token), value);
	else
		cJSON_InsertItemInArray(parent, atoi(token), value);
}

static int operation(cJSON *target, const cJSON *op, struct error *e)
{
	const char *name = json_str_or(op, "op", ""), *path = json_str(op, "path");
	cJSON *value = cJSON_GetObjectItemCaseSensitive(op, "value");
	char token[512], from_token[512];
	if (!path)
		return error_set(e, EINVAL, "missing path");
	cJSON *parent = pointer_parent(target, path, token, sizeof(token));
	cJSON *have = parent ? pointer_child(parent, token) : NULL;
	if (strcmp(name, "test") == 0) {
		bool same = have ? cJSON_Compare(have, value, true) : !value || cJSON_IsNull(value);
		return same ? 0 : error_set(e, EDOM, "testing value %s failed: test failed", path);
	}
	if (!parent)
		return error_set(e, EDOM,
				 "%s operation does not apply: doc is missing path: "
				 "\"%s\": missing value",
				 name, path);
	if (strcmp(name, "add") == 0 && value) {
		pointer_put(parent, token, cJSON_Duplicate(value, true), false);
		return 0;
	}
	if (strcmp(name, "copy") == 0 || strcmp(name, "move") == 0) {
		cJSON *source = pointer_parent(target, json_str_or(op, "from", ""), from_token,
					       sizeof(from_token));
		cJSON *item = source ? pointer_child(source, from_token) : NULL;
		if (!item)
			return error_set(e, EDOM, "%s operation does not apply: from", name);
		cJSON *moved = name[0] == 'c' ? cJSON_Duplicate(item, true)
					      : cJSON_DetachItemViaPointer(source, item);
		pointer_put(parent, token, moved, false);
		return 0;
	}
	if (!have)
		return error_set(e, EDOM,
				 "%s operation does not apply: doc is missing key: %s: "
				 "missing value",
				 name, path);
	if (strcmp(name, "remove") == 0) {
		cJSON_Delete(cJSON_DetachItemViaPointer(parent, have));
		return 0;
	}
	if (strcmp(name, "replace") == 0 && value) {
		pointer_put(parent, token, cJSON_Duplicate(value, true), true);
		return 0;
	}
	return error_set(e, EINVAL, "unexpected kind: %s", name);
}

int patch_apply(enum patch_type type, cJSON *target, const cJSON *patch, struct error *e)
{
	if (type != PATCH_JSON) {
		if (!cJSON_IsObject(patch))
			return error_set(e, EINVAL,
					 "json: cannot unmarshal into Go value of type map");
		merge(target, patch, type == PATCH_STRATEGIC);
		return 0;
	}
	if (!cJSON_IsArray(patch))
		return error_set(e, EINVAL,
				 "json: cannot unmarshal object into Go value of type "
				 "jsonpatch.Patch");
	cJSON *op;
	cJSON_ArrayForEach(op, patch) {
		int r = operation(target, op, e);
		if (r < 0)
			return r;
	}
	return 0;
}
