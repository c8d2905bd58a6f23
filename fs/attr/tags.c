/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/attr/tags.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "fs/weaver/podspec_check.h"
#include "k8s/base/buf.h"

int tags_check_key(const char *what, const char *key, struct error *e)
{
	if (!*key)
		return error_set(e, EINVAL, "%s: no key before the =", what);
	return podspec_check_text(what, key, false, e);
}

char *tags_json(const struct podspec_pair *items, size_t n)
{
	struct buf out = BUF_INIT;

	buf_add_char(&out, '{');
	for (size_t i = 0; i < n; i++) {
		buf_add_str(&out, i ? "," : "");
		buf_add_json(&out, items[i].key, strlen(items[i].key));
		buf_add_char(&out, ':');
		buf_add_json(&out, items[i].value, strlen(items[i].value));
	}
	buf_add_char(&out, '}');
	return buf_steal(&out);
}

int tags_check_size(const struct podspec_pair *items, size_t n, struct error *e)
{
	_cleanup_(cleanup_free) char *json = tags_json(items, n);

	if (!json)
		return error_oom(e);
	if (strlen(json) > PODSPEC_TAGS_BYTES_MAX)
		return error_set(e, EINVAL, "tags: more than %d bytes in all",
				 PODSPEC_TAGS_BYTES_MAX);
	return 0;
}

int tags_parse(const char *json, struct podspec_pairs *ret)
{
	cJSON *tags = json ? cJSON_Parse(json) : NULL;
	const cJSON *tag;
	int r = 0;

	if (!cJSON_IsObject(tags)) {
		cJSON_Delete(tags);
		return 0;
	}
	cJSON_ArrayForEach(tag, tags) {
		if (r == 0 && tag->string && cJSON_IsString(tag))
			r = podspec_pairs_set(ret, tag->string, tag->valuestring);
	}
	cJSON_Delete(tags);
	return r;
}
