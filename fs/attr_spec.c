/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a weaver is made of: of a live one from its pod, of a draft and the defaults from their
 * podspec. What is shown can be written into a draft again: an argument that does not fit on a line
 * of its own turns the whole list into a JSON array.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "fs/attr_handlers.h"
#include "fs/podspec.h"
#include "fs/weaver.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

static int show_value(struct buf *out, const char *s, struct error *e)
{
	attr_identity_add(out, s ? s : "");
	return attr_done(out, e);
}

int image_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? w->pod->image : w->spec->image, e);
}

int workdir_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? w->pod->workdir : w->spec->workdir, e);
}

int cpu_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? w->pod->cpu_limit : w->spec->cpu, e);
}

int memory_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? w->pod->memory_limit : w->spec->memory, e);
}

int repo_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? weaver_env(w->pod, LOOM_ENV_REPO) : w->spec->repo, e);
}

int branch_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_value(out, w->pod ? weaver_env(w->pod, LOOM_ENV_BRANCH) : w->spec->branch, e);
}

/* ---- command and args ---- */

static bool fits_a_line(const char *argument)
{
	_cleanup_(buf_done) struct buf shown = BUF_INIT;

	attr_identity_add_text(&shown, argument);
	return *argument && strcmp(buf_str(&shown), argument) == 0;
}

/* JSON may hold DEL and C1 controls as they are; a terminal must not see those either. */
static void add_json(struct buf *out, const char *argument)
{
	_cleanup_(buf_done) struct buf json = BUF_INIT;

	buf_add_json(&json, argument, strlen(argument));
	for (size_t i = 0; i < json.len; i++) {
		unsigned char c = (unsigned char)json.data[i];
		unsigned char next = (unsigned char)json.data[i + 1];
		if (c == 0x7f)
			buf_add_str(out, "\\u007f");
		else if (c == 0xc2 && next < 0xa0)
			buf_printf(out, "\\u00%02x", (unsigned char)json.data[++i]);
		else
			buf_add_char(out, json.data[i]);
	}
	if (buf_error(&json) < 0)
		out->failed = true;
}

static int show_list(struct buf *out, const char *const *list, struct error *e)
{
	bool lines = true;
	size_t n = 0;

	for (; list && list[n]; n++)
		lines = lines && fits_a_line(list[n]) && (n > 0 || list[n][0] != '[');
	for (size_t i = 0; i < n; i++) {
		if (lines) {
			buf_printf(out, "%s\n", list[i]);
			continue;
		}
		buf_add_str(out, i == 0 ? "[" : ",");
		add_json(out, list[i]);
	}
	if (!lines)
		buf_add_str(out, "]\n");
	return attr_done(out, e);
}

int command_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	if (w->pod)
		return show_list(out, w->pod->command, e);
	return show_list(out, (const char *const *)w->spec->command, e);
}

int args_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	if (w->pod)
		return show_list(out, w->pod->args, e);
	return show_list(out, (const char *const *)w->spec->args, e);
}

/* ---- lists of key=value ---- */

static void add_pair(struct buf *out, const char *key, const char *value)
{
	attr_identity_add_text(out, key);
	buf_add_char(out, '=');
	attr_identity_add_text(out, value);
	buf_add_char(out, '\n');
}

static int show_pairs(struct buf *out, const struct podspec_pair *pairs, size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		add_pair(out, pairs[i].key, pairs[i].value);
	return attr_done(out, e);
}

/* Set by podspec_build() after the user's own, who cannot ask for them (loom-compat.md §2). */
static bool is_ours(const char *name)
{
	static const char *const names[] = { "LOOM_REPO",
					     "LOOM_BRANCH",
					     "LOOM_SERVER_URL",
					     "LOOM_WEAVER_ID",
					     "LOOM_SECRETS_SERVER_URL",
					     "LOOM_SECRETS_ALLOW_INSECURE" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

int env_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	if (!w->pod)
		return show_pairs(out, w->spec->env, w->spec->n_env, e);
	for (size_t i = 0; i < w->pod->n_env; i++) {
		const struct pod_pair *pair = &w->pod->env[i];
		if (!is_ours(pair->key))
			add_pair(out, pair->key, pair->value);
	}
	return attr_done(out, e);
}

/* Somebody else may have written the annotation: what is no object of strings is left out. */
int tags_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	if (!w->pod)
		return show_pairs(out, w->spec->tags, w->spec->n_tags, e);
	const char *json = pod_annotation(w->pod, LOOM_ANNOTATION_TAGS);
	cJSON *tags = json ? cJSON_Parse(json) : NULL;
	const cJSON *tag;
	cJSON_ArrayForEach(tag, tags) {
		if (tag->string && cJSON_IsString(tag))
			add_pair(out, tag->string, tag->valuestring);
	}
	cJSON_Delete(tags);
	return attr_done(out, e);
}

int hold_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	bool hold = w->pod ? weaver_hold(w->pod) : w->spec->hold;

	buf_add_str(out, hold ? "1\n" : "0\n");
	return attr_done(out, e);
}
