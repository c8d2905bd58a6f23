/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be written into a draft and the defaults. A hook is given a copy, which is thrown away
 * when it fails; it need not undo anything. An empty value takes back what was written, where a
 * weaver can do without.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/attr/tags.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/podspec_check.h"
#include "fs/weaver/podspec_pairs.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/duration.h"

/* in with a NUL, which its hook is promised behind it. Takes the place of *field. */
static int set(char **field, const char *in, struct error *e)
{
	char *copy = *in ? strdup(in) : NULL;

	if (*in && !copy)
		return error_oom(e);
	free(*field);
	*field = copy;
	return 0;
}

int image_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_image(in, e);

	(void)len;
	return r < 0 ? r : set(&spec->image, in, e);
}

int workdir_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_workdir(in, e);

	(void)len;
	return r < 0 ? r : set(&spec->workdir, in, e);
}

int repo_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_git("repo", in, e);

	(void)len;
	return r < 0 ? r : set(&spec->repo, in, e);
}

int branch_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_git("branch", in, e);

	(void)len;
	return r < 0 ? r : set(&spec->branch, in, e);
}

int cpu_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_quantity("cpu", in, e);

	(void)len;
	return r < 0 ? r : set(&spec->cpu, in, e);
}

int memory_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	int r = podspec_check_quantity("memory", in, e);

	(void)len;
	return r < 0 ? r : set(&spec->memory, in, e);
}

int hold_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	if (len != 1 || (*in != '0' && *in != '1'))
		return error_set(e, EINVAL, "hold: write 0 or 1");
	spec->hold = *in == '1';
	return 0;
}

/* The longest lifetime is a setting: podspec_check_together() knows it. */
int ttl_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	struct duration d;
	int r = duration_parse(in, &d, e);

	(void)len;
	if (r < 0)
		return error_wrap(e, r, "ttl");
	int64_t seconds = d.relative ? spec->ttl_s + d.seconds : d.seconds;
	if (seconds <= 0)
		return error_set(e, EINVAL, "ttl \"%s\": no time would be left", in);
	spec->ttl_s = seconds;
	return 0;
}

/* ---- command and args ---- */

static int add_argument(char ***list, size_t *n, const char *text, struct error *e)
{
	if (*n >= PODSPEC_ARGUMENTS_MAX)
		return error_set(e, EINVAL, "more than %d arguments", PODSPEC_ARGUMENTS_MAX);
	char **bigger = reallocarray(*list, *n + 2, sizeof(**list));
	if (!bigger)
		return error_oom(e);
	*list = bigger;
	bigger[*n] = strdup(text);
	if (!bigger[*n])
		return error_oom(e);
	bigger[++*n] = NULL;
	return 0;
}

static int parse_json(const char *in, char ***list, struct error *e)
{
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithOpts(in, &end, true);
	const cJSON *item;
	size_t n = 0;
	int r = 0;

	if (!cJSON_IsArray(json))
		r = error_set(e, EINVAL, "it begins with [ and is no JSON array, near byte %zu",
			      end ? (size_t)(end - in) : 0);
	cJSON_ArrayForEach(item, json) {
		const char *text = cJSON_GetStringValue(item);
		if (r == 0 && !text)
			r = error_set(e, EINVAL, "not all of the array are strings");
		if (r == 0)
			r = add_argument(list, &n, text, e);
	}
	cJSON_Delete(json);
	return r;
}

static int parse_lines(const char *in, char ***list, struct error *e)
{
	char *copy = strdup(in);
	size_t n = 0;
	int r = copy ? 0 : error_oom(e);

	for (char *line = copy, *end; r == 0 && line && *in; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		r = podspec_check_text("an argument", line, true, e);
		if (r == 0)
			r = add_argument(list, &n, line, e);
	}
	free(copy);
	return r;
}

static int set_list(const char *what, char ***field, const char *in, struct error *e)
{
	char **list = NULL;
	int r = *in == '[' ? parse_json(in, &list, e) : parse_lines(in, &list, e);

	if (r < 0) {
		podspec_free_strings(list);
		return error_wrap(e, r, "%s", what);
	}
	podspec_free_strings(*field);
	*field = list;
	return 0;
}

int command_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	(void)len;
	return set_list("command", &spec->command, in, e);
}

int args_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	(void)len;
	return set_list("args", &spec->args, in, e);
}

/* ---- keys and values ---- */

static int set_pairs(struct podspec_pair **field, size_t *field_n, const char *in, size_t len,
		     const struct podspec_pairs_rules *rules, struct error *e)
{
	struct podspec_pairs pairs = { 0 };
	int r = podspec_pairs_parse(&pairs, in, len, rules, e);

	if (r < 0)
		return r;
	podspec_pairs_done(&(struct podspec_pairs){ *field, *field_n });
	*field = pairs.items;
	*field_n = pairs.n;
	return 0;
}

int env_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	const struct podspec_pairs_rules rules = { "env", podspec_check_key, NULL };

	return set_pairs(&spec->env, &spec->n_env, in, len, &rules, e);
}

int secrets_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	const struct podspec_pairs known = { spec->secrets, spec->n_secrets };
	const struct podspec_pairs_rules rules = { "secrets", podspec_check_key, &known };

	return set_pairs(&spec->secrets, &spec->n_secrets, in, len, &rules, e);
}

int tags_draft(struct podspec *spec, const char *in, size_t len, struct error *e)
{
	const struct podspec_pairs_rules rules = { "tags", tags_check_key, NULL };
	int r = set_pairs(&spec->tags, &spec->n_tags, in, len, &rules, e);

	return r < 0 ? r : tags_check_size(spec->tags, spec->n_tags, e);
}
