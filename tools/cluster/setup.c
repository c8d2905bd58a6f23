/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver setup: each manifest is made, or merged into what is there (RFC 7396: lists are replaced,
 * other people's members stay). What the server answers is compared with what it had before, so
 * that what is shown is what has changed there, defaults and admission included.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/cluster.h"
#include "tools/cluster/ask.h"
#include "tools/cluster/checks.h"
#include "tools/cluster/cluster.h"
#include "tools/cluster/manifests.h"
#include "tools/cluster/settings.h"
#include "tools/options.h"
#include "tools/text.h"

struct setup {
	struct ask *ask;
	bool dry_run, coloured;
	char audit_image[256];
	unsigned made, changed, same, failed;
};

static const struct {
	const char *kind, *plural;
	bool namespaced;
} setup_kinds[] = {
	{ "Namespace", "namespaces", false },
	{ "ServiceAccount", "serviceaccounts", true },
	{ "Role", "roles", true },
	{ "RoleBinding", "rolebindings", true },
	{ "ResourceQuota", "resourcequotas", true },
	{ "LimitRange", "limitranges", true },
	{ "ConfigMap", "configmaps", true },
	{ "NetworkPolicy", "networkpolicies", true },
	{ "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false },
	{ "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false },
};

/* The collection's path; the name is not in it. */
static int setup_path(const cJSON *object, struct buf *ret, struct error *e)
{
	const char *api = checks_string(object, "apiVersion"),
		   *kind = checks_string(object, "kind");
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(setup_kinds); i++) {
		if (strcmp(setup_kinds[i].kind, kind) != 0)
			continue;
		buf_printf(ret, "/%s/%s/", strchr(api, '/') ? "apis" : "api", api);
		if (setup_kinds[i].namespaced)
			buf_printf(ret, "namespaces/%s/", checks_string(metadata, "namespace"));
		buf_add_str(ret, setup_kinds[i].plural);
		return 0;
	}
	return error_set(e, EINVAL, "%s: no kind that setup knows", kind);
}

/* ---- what has changed ---- */

/* The server's own book-keeping. */
static bool setup_is_noise(const char *path)
{
	static const char *const noise[] = { ".metadata.managedFields", ".metadata.resourceVersion",
					     ".metadata.generation", ".status" };

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (strncmp(path, noise[i], strlen(noise[i])) == 0)
			return true;
	return false;
}

static void setup_add_value(struct buf *out, const cJSON *value)
{
	_cleanup_(cleanup_free) char *text = value ? cJSON_PrintUnformatted(value) : NULL;
	size_t len = text ? strlen(text) : 0;

	buf_add_escaped(out, text ? text : "nothing",
			len > 100 ? 100
			: text    ? len
				  : strlen("nothing"));
	buf_add_str(out, len > 100 ? "…" : "");
}

/* A line for each value that differs. */
static void setup_compare(const char *path, const cJSON *before, const cJSON *after,
			  struct buf *out)
{
	const cJSON *member;

	if (setup_is_noise(path) || cJSON_Compare(before, after, true))
		return;
	if (!cJSON_IsObject(before) || !cJSON_IsObject(after)) {
		buf_printf(out, "    %s: ", path + 1);
		setup_add_value(out, before);
		buf_add_str(out, " → ");
		setup_add_value(out, after);
		buf_add_char(out, '\n');
		return;
	}
	for (int gone = 0; gone < 2; gone++) {
		const cJSON *all = gone ? before : after;
		cJSON_ArrayForEach(member, all) {
			_cleanup_(buf_done) struct buf below = BUF_INIT;
			const cJSON *old = cJSON_GetObjectItemCaseSensitive(before, member->string);
			const cJSON *new = cJSON_GetObjectItemCaseSensitive(after, member->string);
			if (gone && new)
				continue;
			buf_printf(&below, "%s.%s", path, member->string);
			setup_compare(buf_str(&below), old, new, out);
		}
	}
}

static void setup_say(const struct setup *s, const char *mark, const char *colour,
		      const cJSON *object, const char *what)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");

	printf("%s%s%s %s %s: %s%s\n", text_status_colour(s->coloured, colour), mark,
	       text_plain(s->coloured), checks_string(object, "kind"),
	       checks_string(metadata, "name"), what,
	       s->dry_run && *mark != '=' ? " (dry run)" : "");
}

/* ---- one object ---- */

static int setup_make(struct setup *s, const cJSON *object, const char *path, struct error *e)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(cleanup_free) char *body = cJSON_PrintUnformatted(object);
	_cleanup_(buf_done) struct buf url = BUF_INIT;

	buf_printf(&url, "%s?fieldManager=weaver%s", path, s->dry_run ? "&dryRun=All" : "");
	int r = ask_call(s->ask, REQUEST_POST, buf_str(&url), "application/json", body, &a);
	/* the namespace of a dry run has not been made: nothing in it can be asked about */
	if (r < 0 && s->dry_run && a.http == 404)
		r = 0;
	if (r < 0) {
		*e = a.error;
		return r;
	}
	s->made++;
	setup_say(s, "+", "running", object, s->dry_run ? "would be made" : "made");
	return 0;
}

static int setup_merge(struct setup *s, const cJSON *object, const cJSON *before, const char *path,
		       struct error *e)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(cleanup_free) char *body = cJSON_PrintUnformatted(object);
	_cleanup_(buf_done) struct buf url = BUF_INIT, changes = BUF_INIT;

	buf_printf(&url, "%s?fieldManager=weaver%s", path, s->dry_run ? "&dryRun=All" : "");
	int r = ask_call(s->ask, REQUEST_PATCH, buf_str(&url), "application/merge-patch+json", body,
			 &a);
	if (r < 0) {
		*e = a.error;
		return r;
	}
	setup_compare("", before, a.json, &changes);
	if (changes.len == 0) {
		s->same++;
		setup_say(s, "=", "", object, "as it should be");
		return 0;
	}
	s->changed++;
	setup_say(s, "~", "pending", object, s->dry_run ? "would change" : "changed");
	fputs(buf_str(&changes), stdout);
	return 0;
}

/* The policy allows the image of the sidecar that the settings name. */
static void setup_adapt(struct setup *s, cJSON *object)
{
	cJSON *data = cJSON_GetObjectItemCaseSensitive(object, "data");

	if (strcmp(checks_string(object, "kind"), "ConfigMap") == 0 && s->audit_image[0] &&
	    cJSON_HasObjectItem(data, "audit_image"))
		cJSON_ReplaceItemInObjectCaseSensitive(data, "audit_image",
						       cJSON_CreateString(s->audit_image));
}

static int setup_apply(struct setup *s, cJSON *object, struct error *e)
{
	_cleanup_(ask_answer_done) struct ask_answer before = { 0 };
	_cleanup_(buf_done) struct buf collection = BUF_INIT, path = BUF_INIT;
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");

	int r = setup_path(object, &collection, e);
	if (r < 0)
		return r;
	setup_adapt(s, object);
	buf_printf(&path, "%s/%s", buf_str(&collection), checks_string(metadata, "name"));
	r = ask_get(s->ask, buf_str(&path), &before);
	if (r == 0)
		return setup_merge(s, object, before.json, buf_str(&path), e);
	if (before.http == 404)
		return setup_make(s, object, buf_str(&collection), e);
	*e = before.error;
	return r;
}

/* What fails is said, and the rest is tried: a half of it is better than nothing to see. */
static int setup_object(void *data, cJSON *object, struct error *e)
{
	struct error failed = ERROR_INIT;
	struct setup *s = data;

	(void)e;
	if (setup_apply(s, object, &failed) < 0) {
		s->failed++;
		setup_say(s, "✗", "failed", object, "failed");
		printf("    %s\n", failed.text);
	}
	cJSON_Delete(object);
	return 0;
}

static int setup_cluster(struct setup *s, struct settings *settings, const char *source,
			 struct error *e)
{
	struct cluster *cluster;
	char namespace_[64];

	snprintf(namespace_, sizeof(namespace_), "%s", settings_get(settings, "k8s_namespace"));
	snprintf(s->audit_image, sizeof(s->audit_image), "%s",
		 settings_get(settings, "audit_image"));
	int r = settings_cluster(settings, source, &cluster, e);
	if (r < 0)
		return r;
	printf("namespace %s of %s, as %s says\n", namespace_, cluster_server(cluster),
	       cluster_source_name(cluster));
	r = ask_open(cluster, &s->ask, e);
	if (r == 0)
		r = manifests_read(namespace_, setup_object, s, e);
	ask_close(s->ask);
	return r;
}

int setup_run(int argc, char **argv)
{
	struct setup s = { .coloured = text_coloured(STDOUT_FILENO) };
	struct settings settings = { 0 };
	struct error e = ERROR_INIT;
	const char *list = NULL;
	struct options o;

	options_begin(&o, &cmd_setup_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key == 'n')
			s.dry_run = true;
		else if (key == 'o')
			list = o.value;
		else
			return o.status;
	}
	if (o.argc > 1)
		return complain_usage(o.c, "setup: one source");
	int r = settings_load(list, &settings, &e);
	if (r == 0)
		r = setup_cluster(&s, &settings, o.argc == 1 ? o.argv[0] : NULL, &e);
	settings_done(&settings);
	if (r < 0)
		return complain_failed(&e);
	printf("%u made, %u changed, %u as they should be, %u failed%s\n", s.made, s.changed,
	       s.same, s.failed, s.dry_run ? "; nothing was done, it was a dry run" : "");
	if (s.failed > 0)
		puts("weaver doctor says how to mend what is wrong with the cluster or the credentials");
	return s.failed > 0;
}
