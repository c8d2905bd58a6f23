/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each kind of setting accepts. The errors here say only what is allowed; config.c puts the
 * setting, its source and the value before them. A webhook's secret is never put into an error.
 */
#include "fs/config/config_value.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/quantity.h"

#define NAME_MAX_LABEL 63
#define NAME_MAX_SUBDOMAIN 253
#define ALNUM_LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM ALNUM_LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static void free_list(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

static void cleanup_list(char ***list)
{
	free_list(*list);
}

static int set_bool(const struct config_setting *s, void *field, const char *text, struct error *e)
{
	static const char *const words[][2] = {
		{ "false", "true" }, { "0", "1" }, { "no", "yes" }, { "off", "on" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int value = 0; value < 2; value++) {
			if (strcasecmp(text, words[i][value]) == 0) {
				*(bool *)field = value;
				return 0;
			}
		}
	}
	(void)s;
	return error_set(e, EINVAL, "give true or false");
}

static int set_number(const struct config_setting *s, void *field, const char *text,
		      struct error *e)
{
	char *end;

	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (strspn(text, "0123456789") != strlen(text) || !*text || errno || n < s->min ||
	    n > s->max)
		return error_set(e, EINVAL, "give a whole number from %" PRId64 " to %" PRId64,
				 s->min, s->max);
	*(int64_t *)field = n;
	return 0;
}

static int set_bytes(const struct config_setting *s, void *field, const char *text, struct error *e)
{
	int64_t n;

	if (quantity_parse(text, &n, NULL) < 0 || n < s->min || n > s->max)
		return error_set(e, EINVAL,
				 "give bytes, as 1073741824 or 1Gi, from %" PRId64 " to %" PRId64,
				 s->min, s->max);
	*(int64_t *)field = n;
	return 0;
}

static int set_mode(const struct config_setting *s, void *field, const char *text, struct error *e)
{
	unsigned long mode = strtoul(text, NULL, 8);

	if (!*text || strlen(text) > 5 || strspn(text, "01234567") != strlen(text) ||
	    mode > (unsigned long)s->max)
		return error_set(e, EINVAL, "give an octal mode up to %" PRIo64, s->max);
	*(mode_t *)field = (mode_t)mode;
	return 0;
}

static bool is_printable(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

/* Only characters of `inner`, beginning and ending with one of `outer`. */
static bool is_made_of(const char *s, size_t max, const char *inner, const char *outer)
{
	size_t len = strlen(s);

	return len > 0 && len <= max && strspn(s, inner) == len && strchr(outer, *s) &&
	       strchr(outer, s[len - 1]);
}

static bool is_object_name(const char *s)
{
	return is_made_of(s, NAME_MAX_SUBDOMAIN, ALNUM_LOWER "-.", ALNUM_LOWER);
}

static bool is_url(const char *s)
{
	size_t scheme = strncmp(s, "https://", 8) == 0 ? 8 : strncmp(s, "http://", 7) == 0 ? 7 : 0;

	return scheme && s[scheme] && s[scheme] != '/' && !strpbrk(s, " \"<>\\^`{|}") &&
	       is_printable(s);
}

static bool is_word(const char *words, const char *s)
{
	size_t len = strlen(s);

	for (const char *p = words; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strcspn(p, " ") == len && strncmp(p, s, len) == 0)
			return len > 0;
	}
	return false;
}

/* NULL: text is fine; else what is allowed. */
static const char *refuse_text(const struct config_setting *s, const char *text)
{
	switch (s->kind) {
	case CONFIG_PATH:
		return *text == '/' && is_printable(text) ? NULL : "give an absolute path";
	case CONFIG_URL:
		return is_url(text) ? NULL : "give a URL that begins with https:// or http://";
	case CONFIG_NAME:
		return is_made_of(text, NAME_MAX_LABEL, ALNUM_LOWER "-", ALNUM_LOWER)
			       ? NULL
			       : "give a Kubernetes name: at most 63 of a-z, 0-9 and -, "
				 "with a letter or digit at both ends";
	case CONFIG_OBJECT:
		return is_object_name(text) ? NULL : "give the name of a Kubernetes object";
	case CONFIG_LABEL:
		return is_made_of(text, NAME_MAX_LABEL, ALNUM "-_.", ALNUM)
			       ? NULL
			       : "give at most 63 of A-Z, a-z, 0-9, -, _ and ., "
				 "with a letter or digit at both ends";
	case CONFIG_IMAGE:
		return *text && !strpbrk(text, " \t") && is_printable(text)
			       ? NULL
			       : "give an image reference, as ghcr.io/your-org/weaver:latest";
	default:
		return is_printable(text) ? NULL : "give printable text";
	}
}

static int set_text(const struct config_setting *s, void *field, const char *text, struct error *e)
{
	char **to = field;
	char *copy = NULL;

	if (s->kind == CONFIG_WORD && (*text || s->fallback) && !is_word(s->words, text))
		return error_set(e, EINVAL, "give one of: %s", s->words);
	if (*text || s->fallback) {
		const char *allowed = refuse_text(s, text);

		if (allowed)
			return error_set(e, EINVAL, "%s", allowed);
		copy = strdup(text);
		if (!copy)
			return error_oom(e);
	}
	free(*to);
	*to = copy;
	return 0;
}

/* The next item of a comma list without the blanks around it; *s moves on, NULL: that was it. */
static const char *next_item(const char **s, size_t *len)
{
	const char *item = *s + strspn(*s, " \t\n");
	size_t n = strcspn(item, ",");

	*s = item[n] ? item + n + 1 : NULL;
	while (n && strchr(" \t\n", item[n - 1]))
		n--;
	*len = n;
	return item;
}

static int set_objects(const struct config_setting *s, void *field, const char *text,
		       struct error *e)
{
	_cleanup_(cleanup_list) char **list = calloc(strlen(text) + 2, sizeof(*list));
	size_t n = 0;

	(void)s;
	if (!list)
		return error_oom(e);
	for (const char *p = text; p;) {
		size_t len;
		const char *item = next_item(&p, &len);

		if (len == 0)
			continue;
		list[n] = strndup(item, len);
		if (!list[n])
			return error_oom(e);
		if (!is_object_name(list[n++]))
			return error_set(e, EINVAL, "give names of secrets, with commas between");
	}
	free_list(*(char ***)field);
	*(char ***)field = n ? move_ptr(&list) : NULL;
	return 0;
}

static int check_events(const cJSON *events, int i, struct error *e)
{
	static const char known[] = "weaver.created weaver.deleted weaver.failed weavers.cleanup";
	const cJSON *event;

	if (!cJSON_IsArray(events) || cJSON_GetArraySize(events) == 0)
		return error_set(e, EINVAL, "entry %d needs \"events\", a list of: %s", i, known);
	cJSON_ArrayForEach(event, events) {
		if (!cJSON_IsString(event) || !is_word(known, event->valuestring))
			return error_set(e, EINVAL, "entry %d: unknown event%s%s; known are: %s", i,
					 cJSON_IsString(event) ? " " : "",
					 cJSON_IsString(event) ? event->valuestring : "", known);
	}
	return 0;
}

static int check_webhook(const cJSON *hook, int i, struct error *e)
{
	const cJSON *member;

	if (!cJSON_IsObject(hook))
		return error_set(e, EINVAL, "entry %d is no object {\"url\", \"events\"}", i);
	cJSON_ArrayForEach(member, hook) {
		if (!is_word("url events secret", member->string))
			return error_set(e, EINVAL,
					 "entry %d: unknown member \"%s\"; known are url, "
					 "events and secret",
					 i, member->string);
		if (strcmp(member->string, "events") != 0 && !cJSON_IsString(member))
			return error_set(e, EINVAL, "entry %d: \"%s\" must be a string", i,
					 member->string);
	}
	const cJSON *url = cJSON_GetObjectItemCaseSensitive(hook, "url");
	if (!url || !is_url(url->valuestring))
		return error_set(e, EINVAL,
				 "entry %d needs a \"url\" that begins with https:// or "
				 "http://",
				 i);
	return check_events(cJSON_GetObjectItemCaseSensitive(hook, "events"), i, e);
}

static int set_webhooks(const struct config_setting *s, void *field, const char *text,
			struct error *e)
{
	char **to = field;
	char *copy = NULL;
	int i = 0;

	(void)s;
	if (*text) {
		_cleanup_(cleanup_json) cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
		const cJSON *hook;

		if (!cJSON_IsArray(json))
			return error_set(e, EINVAL,
					 "give a JSON array, as [{\"url\": \"https://…\", "
					 "\"events\": [\"weaver.failed\"]}]");
		cJSON_ArrayForEach(hook, json) {
			int r = check_webhook(hook, ++i, e);
			if (r < 0)
				return r;
		}
		copy = cJSON_PrintUnformatted(json);
		if (!copy)
			return error_oom(e);
	}
	free(*to);
	*to = copy;
	return 0;
}

int config_value_set(const struct config_setting *s, void *field, const char *text, struct error *e)
{
	switch (s->kind) {
	case CONFIG_BOOL:
		return set_bool(s, field, text, e);
	case CONFIG_NUMBER:
		return set_number(s, field, text, e);
	case CONFIG_BYTES:
		return set_bytes(s, field, text, e);
	case CONFIG_MODE:
		return set_mode(s, field, text, e);
	case CONFIG_OBJECTS:
		return set_objects(s, field, text, e);
	case CONFIG_WEBHOOKS:
		return set_webhooks(s, field, text, e);
	default:
		return set_text(s, field, text, e);
	}
}

void config_value_free(const struct config_setting *s, void *field)
{
	switch (s->kind) {
	case CONFIG_BOOL:
	case CONFIG_NUMBER:
	case CONFIG_BYTES:
	case CONFIG_MODE:
		break;
	case CONFIG_OBJECTS:
		free_list(*(char ***)field);
		*(char ***)field = NULL;
		break;
	default:
		free(*(char **)field);
		*(char **)field = NULL;
	}
}

static void show_text(const char *text, struct buf *out)
{
	if (text)
		buf_add_escaped(out, text, strlen(text));
}

static void show_webhooks(const char *text, struct buf *out)
{
	_cleanup_(cleanup_json) cJSON *json = text ? cJSON_Parse(text) : NULL;
	cJSON *hook;

	if (!json)
		return;
	cJSON_ArrayForEach(hook, json) {
		cJSON *secret = cJSON_GetObjectItemCaseSensitive(hook, "secret");
		if (secret)
			cJSON_SetValuestring(secret, "***");
	}
	_cleanup_(cleanup_free) char *masked = cJSON_PrintUnformatted(json);
	show_text(masked, out);
}

void config_value_show(const struct config_setting *s, const void *field, struct buf *out)
{
	switch (s->kind) {
	case CONFIG_BOOL:
		buf_add_str(out, *(const bool *)field ? "true" : "false");
		break;
	case CONFIG_NUMBER:
	case CONFIG_BYTES:
		buf_printf(out, "%" PRId64, *(const int64_t *)field);
		break;
	case CONFIG_MODE:
		buf_printf(out, "%04o", *(const mode_t *)field);
		break;
	case CONFIG_OBJECTS:
		for (char *const *p = *(char *const *const *)field; p && *p; p++)
			buf_printf(out, "%s%s", p == *(char *const *const *)field ? "" : ",", *p);
		break;
	case CONFIG_WEBHOOKS:
		show_webhooks(*(const char *const *)field, out);
		break;
	default:
		show_text(*(const char *const *)field, out);
	}
}
