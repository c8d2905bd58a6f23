/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a weaver is made of: of a live one from its pod, of a draft and the defaults from their
 * podspec. What is shown can be written into a draft again: an argument that does not fit on a line
 * of its own turns the whole list into a JSON array.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/attr/tags.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/podspec_check.h"
#include "fs/weaver/podspec_pairs.h"
#include "fs/weaver/weaver.h"
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

/* A draft's were checked when they were written; as they are, so that they can be written again. */
static int show_pairs(struct buf *out, const struct podspec_pair *pairs, size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s=%s\n", pairs[i].key, pairs[i].value);
	return attr_done(out, e);
}

int env_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	if (!w->pod)
		return show_pairs(out, w->spec->env, w->spec->n_env, e);
	for (size_t i = 0; i < w->pod->n_env; i++) {
		const struct pod_pair *pair = &w->pod->env[i];
		if (!podspec_check_is_ours(pair->key))
			add_pair(out, pair->key, pair->value);
	}
	return attr_done(out, e);
}

/* The keys alone: a value can be read nowhere. */
int secrets_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	for (size_t i = 0; i < w->spec->n_secrets; i++)
		buf_printf(out, "%s\n", w->spec->secrets[i].key);
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

/*
 * Each write commits. The first one of a truncating open replaces (`: > tags` clears); all others
 * add keys or give them other values.
 */
int tags_store(struct store_ctx *c, const char *in, size_t len, struct error *e)
{
	const struct podspec_pairs_rules rules = { "tags", tags_check_key, NULL };
	const char *json = pod_annotation(c->view.pod, LOOM_ANNOTATION_TAGS);
	_cleanup_(podspec_pairs_done) struct podspec_pairs pairs = { 0 };
	int r = c->truncate ? 0 : tags_parse(json, &pairs);

	if (r == -E2BIG)
		return error_set(e, EINVAL, "tags: there are more than %d", PODSPEC_PAIRS_MAX);
	if (r < 0)
		return error_oom(e);
	r = podspec_pairs_parse(&pairs, in, len, &rules, e);
	if (r == 0)
		r = tags_check_size(pairs.items, pairs.n, e);
	if (r < 0)
		return r;
	_cleanup_(cleanup_free) char *text = tags_json(pairs.items, pairs.n);
	if (!text || store_annotation(c, LOOM_ANNOTATION_TAGS, pairs.n ? text : NULL) < 0)
		return error_oom(e);
	return 0;
}

int hold_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	bool hold = w->pod ? weaver_hold(w->pod) : w->spec->hold;

	buf_add_str(out, hold ? "1\n" : "0\n");
	return attr_done(out, e);
}

int hold_store(struct store_ctx *c, const char *in, size_t len, struct error *e)
{
	if (len != 1 || (*in != '0' && *in != '1'))
		return error_set(e, EINVAL, "hold: write 0 or 1");
	int r = store_annotation(c, LOOM_ANNOTATION_HOLD, *in == '1' ? "1" : NULL);
	return r < 0 ? error_oom(e) : 0;
}
