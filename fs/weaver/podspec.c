/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Pod of a weaver, part by part as loom-compat.md §2 lists them. Operators' own additions
 * (pod_patch) are merged in last.
 */
#include "fs/weaver/podspec.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/weaver/podspec_check.h"
#include "fs/weaver/podspec_json.h"
#include "fs/weaver/podspec_pairs.h"
#include "fs/weaver/podspec_sidecar.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/quantity.h"
#include "k8s/base/rfc3339.h"

#define HOUR_S 3600

/*
 * With the sidecar's 100m/128Mi and 50m/64Mi these make 1 cpu/2Gi and 500m/1Gi: the guide's quota
 * (pods 64, requests 32 cpu/64Gi, limits 64 cpu/128Gi) then holds exactly 64. They are the same
 * without a sidecar: pods 64 still holds exactly 64, and turning auditing on changes no weaver.
 */
#define CPU_LIMIT "900m"
#define CPU_REQUEST "450m"
#define MEMORY_LIMIT "1920Mi"
#define MEMORY_REQUEST "960Mi"

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* ---- life ---- */

static int copy_string(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from ? 0 : -ENOMEM;
}

static int copy_strings(char ***to, char *const *from)
{
	size_t n = 0;

	if (!from)
		return 0;
	while (from[n])
		n++;
	*to = calloc(n + 1, sizeof(**to));
	int r = *to ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = copy_string(&(*to)[i], from[i]);
	return r;
}

static int copy_pairs(struct podspec_pair **to, size_t *to_n, const struct podspec_pair *from,
		      size_t n)
{
	struct podspec_pairs copy = { 0 };
	int r = podspec_pairs_copy(&copy, from, n);

	*to = copy.items;
	*to_n = copy.n;
	return r;
}

static void free_pairs(struct podspec_pair *items, size_t n)
{
	podspec_pairs_done(&(struct podspec_pairs){ items, n });
}

void podspec_free_strings(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

int podspec_init(struct podspec *s, const struct config *config, struct error *e)
{
	memset(s, 0, sizeof(*s));
	s->image = strdup(config->image);
	s->cpu = strdup(CPU_LIMIT);
	s->memory = strdup(MEMORY_LIMIT);
	s->ttl_s = config->default_ttl_hours * HOUR_S;
	return s->image && s->cpu && s->memory ? 0 : error_oom(e);
}

void podspec_done(struct podspec *s)
{
	free(s->image);
	podspec_free_strings(s->command);
	podspec_free_strings(s->args);
	free(s->workdir);
	free(s->repo);
	free(s->branch);
	free(s->cpu);
	free(s->memory);
	free_pairs(s->env, s->n_env);
	free_pairs(s->tags, s->n_tags);
	free_pairs(s->secrets, s->n_secrets);
	memset(s, 0, sizeof(*s));
}

struct podspec *podspec_new(const struct config *config, struct error *e)
{
	struct podspec *s = calloc(1, sizeof(*s));

	if (!s) {
		error_oom(e);
		return NULL;
	}
	int r = podspec_init(s, config, e);
	s->refs = 1;
	if (r == 0)
		return s;
	podspec_unref(s);
	return NULL;
}

struct podspec *podspec_copy(const struct podspec *s)
{
	struct podspec *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->ttl_s = s->ttl_s;
	c->hold = s->hold;
	if (copy_string(&c->image, s->image) == 0 && copy_strings(&c->command, s->command) == 0 &&
	    copy_strings(&c->args, s->args) == 0 && copy_string(&c->workdir, s->workdir) == 0 &&
	    copy_string(&c->repo, s->repo) == 0 && copy_string(&c->branch, s->branch) == 0 &&
	    copy_string(&c->cpu, s->cpu) == 0 && copy_string(&c->memory, s->memory) == 0 &&
	    copy_pairs(&c->env, &c->n_env, s->env, s->n_env) == 0 &&
	    copy_pairs(&c->tags, &c->n_tags, s->tags, s->n_tags) == 0 &&
	    copy_pairs(&c->secrets, &c->n_secrets, s->secrets, s->n_secrets) == 0)
		return c;
	podspec_unref(c);
	return NULL;
}

struct podspec *podspec_ref(struct podspec *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void podspec_unref(struct podspec *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	podspec_done(s);
	free(s);
}

/* ---- the pod ---- */

static int64_t lifetime_s(const struct podspec *s, const struct config *config)
{
	return s->ttl_s ? s->ttl_s : config->default_ttl_hours * HOUR_S;
}

static void add_labels(struct podspec_json *b, cJSON *metadata, const struct podspec *s,
		       const struct podspec_identity *id, const struct config *config)
{
	_cleanup_(buf_done) struct buf image = BUF_INIT, registry = BUF_INIT, name = BUF_INIT;
	cJSON *labels = podspec_json_object(b, metadata, "labels");

	podspec_image_labels(s->image, &image, &registry, &name);
	podspec_json_string(b, labels, LOOM_LABEL_MANAGED, "true");
	podspec_json_string(b, labels, LOOM_LABEL_ID, id->id);
	podspec_json_string(b, labels, LOOM_LABEL_NAME, id->name);
	podspec_json_string(b, labels, LOOM_LABEL_OWNER, id->owner_user_id);
	podspec_json_string(b, labels, LOOM_LABEL_ORG, config->org_id);
	podspec_json_string(b, labels, LOOM_LABEL_IMAGE, buf_str(&image));
	podspec_json_string(b, labels, LOOM_LABEL_IMAGE_REGISTRY, buf_str(&registry));
	podspec_json_string(b, labels, LOOM_LABEL_IMAGE_NAME, buf_str(&name));
	if (buf_error(&image) < 0 || buf_error(&registry) < 0 || buf_error(&name) < 0)
		b->failed = true;
}

static void add_tags(struct podspec_json *b, cJSON *annotations, const struct podspec *s)
{
	_cleanup_(cleanup_json) cJSON *tags = cJSON_CreateObject();

	if (s->n_tags == 0)
		return;
	for (size_t i = 0; i < s->n_tags; i++)
		podspec_json_string(b, tags, s->tags[i].key, s->tags[i].value);
	_cleanup_(cleanup_free) char *text = tags ? cJSON_PrintUnformatted(tags) : NULL;
	if (text)
		podspec_json_string(b, annotations, LOOM_ANNOTATION_TAGS, text);
	else
		b->failed = true;
}

static void add_annotations(struct podspec_json *b, cJSON *metadata, const struct podspec *s,
			    const struct podspec_identity *id, const struct config *config)
{
	cJSON *annotations = podspec_json_object(b, metadata, "annotations");
	int64_t ttl_s = lifetime_s(s, config);
	char text[RFC3339_SECONDS_LEN + 1];

	add_tags(b, annotations, s);
	/* rounded up: Loom's own cleaner, which knows hours alone, must not come first */
	snprintf(text, sizeof(text), "%" PRId64, (ttl_s + HOUR_S - 1) / HOUR_S);
	podspec_json_string(b, annotations, LOOM_ANNOTATION_LIFETIME, text);
	/* now_s was cut to the second, as creationTimestamp is; Date must pass it before the end */
	rfc3339_format(id->now_s + ttl_s, text);
	podspec_json_string(b, annotations, LOOM_ANNOTATION_EXPIRES, text);
	snprintf(text, sizeof(text), "%ju", (uintmax_t)id->uid);
	podspec_json_string(b, annotations, LOOM_ANNOTATION_UID, text);
	snprintf(text, sizeof(text), "%ju", (uintmax_t)id->gid);
	podspec_json_string(b, annotations, LOOM_ANNOTATION_GID, text);
	snprintf(text, sizeof(text), "%04o", (unsigned)(id->mode & 07777));
	podspec_json_string(b, annotations, LOOM_ANNOTATION_MODE, text);
	if (s->hold)
		podspec_json_string(b, annotations, LOOM_ANNOTATION_HOLD, "1");
}

static void add_metadata(struct podspec_json *b, cJSON *pod, const struct podspec *s,
			 const struct podspec_identity *id, const struct config *config)
{
	cJSON *metadata = podspec_json_object(b, pod, "metadata");
	char name[sizeof(LOOM_POD_PREFIX) + UUID_LEN];

	snprintf(name, sizeof(name), LOOM_POD_PREFIX "%s", id->id);
	podspec_json_string(b, metadata, "name", name);
	podspec_json_string(b, metadata, "namespace", config->namespace_);
	add_labels(b, metadata, s, id, config);
	add_annotations(b, metadata, s, id, config);
}

/* A value that was written; an empty one is none. */
static const char *given(const char *s)
{
	return s && *s ? s : NULL;
}

static void add_secret(struct podspec_json *b, cJSON *env, const char *key, const char *secret)
{
	cJSON *entry = podspec_json_object(b, env, NULL);

	podspec_json_string(b, entry, "name", key);
	cJSON *from = podspec_json_object(b, entry, "valueFrom");
	cJSON *ref = podspec_json_object(b, from, "secretKeyRef");
	podspec_json_string(b, ref, "name", secret);
	podspec_json_string(b, ref, "key", key);
}

static void add_secrets(struct podspec_json *b, cJSON *env, const struct podspec *s,
			const struct podspec_identity *id)
{
	char secret[PODSPEC_SECRET_NAME_LEN + 1];

	podspec_secret_name(id->id, secret);
	for (size_t i = 0; i < s->n_secrets; i++)
		add_secret(b, env, s->secrets[i].key, secret);
}

/* The user's come first: of two with one name the later one wins, and that is ours. */
static void add_env(struct podspec_json *b, cJSON *container, const struct podspec *s,
		    const struct podspec_identity *id, const struct config *config)
{
	cJSON *env = podspec_json_array(b, container, "env");

	for (size_t i = 0; i < s->n_env; i++)
		podspec_json_env(b, env, s->env[i].key, s->env[i].value);
	add_secrets(b, env, s, id);
	podspec_json_env(b, env, LOOM_ENV_REPO, given(s->repo));
	podspec_json_env(b, env, LOOM_ENV_BRANCH, given(s->branch));
	podspec_json_env(b, env, "LOOM_SERVER_URL", config->server_url);
	podspec_json_env(b, env, "LOOM_WEAVER_ID", id->id);
	podspec_json_env(b, env, "LOOM_SECRETS_SERVER_URL", config->secrets_server_url);
	if (config->secrets_allow_insecure)
		podspec_json_env(b, env, "LOOM_SECRETS_ALLOW_INSECURE", "1");
}

/* A request over its limit is refused (422), so it is the lesser of the default and the limit. */
static void add_resource(struct podspec_json *b, cJSON *limits, cJSON *requests, const char *what,
			 const char *limit, const char *request)
{
	int64_t limit_milli = 0, request_milli = 0;

	quantity_parse_milli(limit, &limit_milli, NULL);
	quantity_parse_milli(request, &request_milli, NULL);
	podspec_json_string(b, limits, what, limit);
	podspec_json_string(b, requests, what, limit_milli < request_milli ? limit : request);
}

static void add_resources(struct podspec_json *b, cJSON *container, const struct podspec *s)
{
	cJSON *resources = podspec_json_object(b, container, "resources");
	cJSON *limits = podspec_json_object(b, resources, "limits");
	cJSON *requests = podspec_json_object(b, resources, "requests");

	add_resource(b, limits, requests, "cpu", s->cpu ? s->cpu : CPU_LIMIT, CPU_REQUEST);
	add_resource(b, limits, requests, "memory", s->memory ? s->memory : MEMORY_LIMIT,
		     MEMORY_REQUEST);
}

/* Passes Pod Security "restricted"; the root file system stays writable, see loom-compat.md §4. */
static void add_security(struct podspec_json *b, cJSON *container)
{
	cJSON *security = podspec_json_object(b, container, "securityContext");
	cJSON *capabilities = podspec_json_object(b, security, "capabilities");

	podspec_json_string(b, podspec_json_array(b, capabilities, "drop"), NULL, "ALL");
	podspec_json_number(b, security, "runAsUser", 1000);
	podspec_json_number(b, security, "runAsGroup", 1000);
	podspec_json_bool(b, security, "runAsNonRoot", true);
	podspec_json_bool(b, security, "allowPrivilegeEscalation", false);
	podspec_json_string(b, podspec_json_object(b, security, "seccompProfile"), "type",
			    "RuntimeDefault");
}

static void add_strings(struct podspec_json *b, cJSON *to, const char *key, char *const *list)
{
	if (!list || !*list)
		return;
	cJSON *array = podspec_json_array(b, to, key);
	for (; *list; list++)
		podspec_json_string(b, array, NULL, *list);
}

static void add_container(struct podspec_json *b, cJSON *spec, const struct podspec *s,
			  const struct podspec_identity *id, const struct config *config)
{
	cJSON *container = podspec_json_object(b, podspec_json_array(b, spec, "containers"), NULL);

	podspec_json_string(b, container, "name", LOOM_CONTAINER);
	podspec_json_string(b, container, "image", s->image);
	if (config->image_pull_policy)
		podspec_json_string(b, container, "imagePullPolicy", config->image_pull_policy);
	add_strings(b, container, "command", s->command);
	add_strings(b, container, "args", s->args);
	if (given(s->workdir))
		podspec_json_string(b, container, "workingDir", s->workdir);
	add_env(b, container, s, id, config);
	add_resources(b, container, s);
	add_security(b, container);
	podspec_json_bool(b, container, "stdin", true);
	podspec_json_bool(b, container, "tty", true);
}

static void add_spec(struct podspec_json *b, cJSON *pod, const struct podspec *s,
		     const struct podspec_identity *id, const struct config *config)
{
	cJSON *spec = podspec_json_object(b, pod, "spec");

	podspec_json_string(b, spec, "restartPolicy", "Never");
	podspec_json_string(b, spec, "hostname", id->name);
	podspec_json_number(b, spec, "terminationGracePeriodSeconds", 5);
	podspec_json_number(b, spec, "activeDeadlineSeconds", config->max_ttl_hours * HOUR_S);
	podspec_json_bool(b, spec, "automountServiceAccountToken", false);
	podspec_json_bool(b, spec, "enableServiceLinks", false);
	if (config->image_pull_secrets) {
		cJSON *secrets = podspec_json_array(b, spec, "imagePullSecrets");
		for (char *const *p = config->image_pull_secrets; *p; p++)
			podspec_json_string(b, podspec_json_object(b, secrets, NULL), "name", *p);
	}
	add_container(b, spec, s, id, config);
	if (config->audit_enabled && podspec_sidecar_add(spec, id, config) < 0)
		b->failed = true;
}

int podspec_build(const struct podspec *s, const struct podspec_identity *id,
		  const struct config *config, struct buf *out, struct error *e)
{
	struct podspec_json b = { 0 };
	int r = podspec_check_build(s, id->name, config, e);

	if (r < 0)
		return r;
	_cleanup_(cleanup_json) cJSON *pod = cJSON_CreateObject();
	podspec_json_string(&b, pod, "apiVersion", "v1");
	podspec_json_string(&b, pod, "kind", "Pod");
	add_metadata(&b, pod, s, id, config);
	add_spec(&b, pod, s, id, config);
	podspec_json_merge(&b, pod, config->pod_patch_object);
	_cleanup_(cleanup_free) char *text = b.failed ? NULL : cJSON_PrintUnformatted(pod);
	if (!text)
		return error_oom(e);
	buf_add_str(out, text);
	return buf_error(out) < 0 ? error_oom(e) : 0;
}
