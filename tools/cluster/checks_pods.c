/* SPDX-License-Identifier: Apache-2.0 */
/* Quota, pull secrets, images, and what the weavers that are there suffer from. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/quantity.h"
#include "tools/cluster/checks.h"

/* ---- quota ---- */

/* What one default weaver takes, in thousandths; loom-compat.md §2. */
static const struct {
	const char *key;
	int64_t milli;
} checks_default_weaver[] = {
	{ "pods", 1000 },
	{ "requests.cpu", 500 },
	{ "limits.cpu", 1000 },
	{ "requests.memory", 1000LL << 30 },
	{ "limits.memory", 2000LL << 30 },
};

static int64_t checks_quantity(const cJSON *map, const char *key, int64_t otherwise)
{
	int64_t value;

	return quantity_parse_milli(checks_string(map, key), &value, NULL) == 0 ? value : otherwise;
}

/* True: it was said. */
static bool checks_quota_of(struct checks *c, const cJSON *quota)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(quota, "status");
	const cJSON *hard = cJSON_GetObjectItemCaseSensitive(status, "hard");
	const cJSON *used = cJSON_GetObjectItemCaseSensitive(status, "used");
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(quota, "metadata");
	int64_t wanted = strtoll(settings_get(c->settings, "max_concurrent"), NULL, 10);

	for (size_t i = 0; i < ARRAY_SIZE(checks_default_weaver); i++) {
		const char *key = checks_default_weaver[i].key;
		int64_t need = checks_default_weaver[i].milli;
		int64_t limit = checks_quantity(hard, key, INT64_MAX);
		if (limit == INT64_MAX)
			continue;
		if (checks_quantity(used, key, 0) > limit - need) {
			report_trouble(c->report, REPORT_BAD, TROUBLE_QUOTA,
				       "%s: %s: %s used of %s, no room for another weaver",
				       checks_string(metadata, "name"), key,
				       checks_string(used, key), checks_string(hard, key));
			return true;
		}
		if (limit / need < wanted) {
			report_trouble(c->report, REPORT_WARNING, TROUBLE_QUOTA_SMALL,
				       "%s: %s %s is room for %" PRId64 " default weavers, "
				       "max_concurrent is %" PRId64,
				       checks_string(metadata, "name"), key,
				       checks_string(hard, key), limit / need, wanted);
			return true;
		}
	}
	return false;
}

void checks_pods_quota(struct checks *c)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	const cJSON *quota, *items;
	bool said = false;

	buf_printf(&path, "/api/v1/namespaces/%s/resourcequotas", c->namespace_);
	if (ask_get(c->ask, buf_str(&path), &a) < 0) {
		report_skipped(c->report, "quota", "%s", a.error.text);
		return;
	}
	items = cJSON_GetObjectItemCaseSensitive(a.json, "items");
	cJSON_ArrayForEach(quota, items)
		said |= checks_quota_of(c, quota);
	if (!said && cJSON_GetArraySize(items) == 0)
		report_skipped(c->report, "quota", "none: max_concurrent is the only limit");
	else if (!said)
		report_good(c->report, "quota", "room for another weaver");
}

/* ---- pull secrets ---- */

/* The account of weaverfs may read no secret, and so an event tells: it names what is missing. */
static bool checks_event_names(struct checks *c, const char *secret)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	const cJSON *event;

	buf_printf(&path,
		   "/api/v1/namespaces/%s/"
		   "events?fieldSelector=reason%%3DFailedToRetrieveImagePullSecret&limit=100",
		   c->namespace_);
	if (ask_get(c->ask, buf_str(&path), &a) < 0)
		return false;
	cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(a.json, "items"))
		if (strstr(checks_string(event, "message"), secret))
			return true;
	return false;
}

static void checks_pull_secret(struct checks *c, const char *name)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "/api/v1/namespaces/%s/secrets/%s", c->namespace_, name);
	ask_get(c->ask, buf_str(&path), &a);
	const char *type = checks_string(a.json, "type");
	if (a.http == 404 || (a.http == 403 && checks_event_names(c, name)))
		report_trouble(c->report, REPORT_BAD, TROUBLE_PULL_SECRET,
			       "%s does not exist in %s", name, c->namespace_);
	else if (a.r < 0)
		report_skipped(c->report, "pull secret",
			       "%s: this account may not look, and no weaver has missed it", name);
	else if (strncmp(type, "kubernetes.io/dockerc", strlen("kubernetes.io/dockerc")) != 0)
		report_trouble(c->report, REPORT_BAD, TROUBLE_PULL_SECRET,
			       "%s is of type %s, not kubernetes.io/dockerconfigjson", name, type);
	else
		report_good(c->report, "pull secret", "%s", name);
}

void checks_pods_pull_secrets(struct checks *c)
{
	_cleanup_(cleanup_free) char *list =
		strdup(settings_get(c->settings, "image_pull_secrets"));
	bool any = false;

	for (char *rest = list, *name; rest && (name = strsep(&rest, ","));) {
		if (!*name)
			continue;
		any = true;
		checks_pull_secret(c, name);
	}
	if (!any)
		report_skipped(c->report, "pull secret",
			       "image_pull_secrets is not set: public images");
}

/* ---- images and weavers ---- */

static bool checks_is_reference(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *name = slash ? slash + 1 : image;

	for (const char *p = image; p < name + strcspn(name, ":@"); p++)
		if (isupper((unsigned char)*p) || isspace((unsigned char)*p))
			return false;
	return *name && *name != ':' && *name != '@' && *image != '/' && !strstr(image, "//") &&
	       !strchr(name, ' ');
}

void checks_pods_image_name(struct checks *c)
{
	char image[256];

	for (int i = 0; i <= c->audit; i++) {
		const char *setting = i == 0 ? "image" : "audit_image";
		snprintf(image, sizeof(image), "%s", settings_get(c->settings, setting));
		if (!checks_is_reference(image))
			report_trouble(c->report, REPORT_BAD, TROUBLE_IMAGE_NAME,
				       "setting %s: \"%s\" is no reference", setting, image);
	}
}

struct checks_seen {
	char weaver[80], word[64], message[512];
	unsigned n;
};

static void checks_note(struct checks_seen seen[TROUBLE_N], const cJSON *pod, const char *word,
			const char *message, bool init)
{
	enum trouble_id id = trouble_of_reason(word, message, init);
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(pod, "metadata");
	const char *name = checks_string(cJSON_GetObjectItemCaseSensitive(metadata, "labels"),
					 "loom.dev/name");

	if (id == TROUBLE_N)
		return;
	if (seen[id].n++ > 0)
		return;
	snprintf(seen[id].weaver, sizeof(seen[id].weaver), "%.79s",
		 *name ? name : checks_string(metadata, "name"));
	snprintf(seen[id].word, sizeof(seen[id].word), "%.63s", word);
	snprintf(seen[id].message, sizeof(seen[id].message), "%.511s", message);
}

static void checks_containers(struct checks_seen seen[TROUBLE_N], const cJSON *pod,
			      const char *list, bool init)
{
	const cJSON *container;
	const cJSON *all = checks_get(pod, (const char *const[]){ "status", list, NULL });

	cJSON_ArrayForEach(container, all) {
		const cJSON *state = cJSON_GetObjectItemCaseSensitive(container, "state");
		const cJSON *waiting = cJSON_GetObjectItemCaseSensitive(state, "waiting");
		const cJSON *ended = cJSON_GetObjectItemCaseSensitive(state, "terminated");
		const cJSON *why = waiting ? waiting : ended;
		const char *word = checks_string(why, "reason");
		const cJSON *code = cJSON_GetObjectItemCaseSensitive(ended, "exitCode");
		/* in an init container, only what fails is trouble; PodInitializing is progress */
		bool failing = (waiting && strcmp(word, "PodInitializing") != 0 &&
				strcmp(word, "ContainerCreating") != 0) ||
			       (ended && cJSON_IsNumber(code) && code->valueint != 0);
		if (why && failing)
			checks_note(seen, pod, word, checks_string(why, "message"), init);
	}
}

static void checks_pod(struct checks_seen seen[TROUBLE_N], const cJSON *pod)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(pod, "status"), *condition;

	checks_note(seen, pod, checks_string(status, "reason"), checks_string(status, "message"),
		    false);
	cJSON_ArrayForEach(condition, cJSON_GetObjectItemCaseSensitive(status, "conditions"))
		if (strcmp(checks_string(condition, "status"), "False") == 0)
			checks_note(seen, pod, checks_string(condition, "reason"),
				    checks_string(condition, "message"), false);
	checks_containers(seen, pod, "initContainerStatuses", true);
	checks_containers(seen, pod, "containerStatuses", false);
}

void checks_pods_weavers(struct checks *c)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct checks_seen seen[TROUBLE_N] = { 0 };
	const cJSON *pod, *items;
	bool any = false;

	buf_printf(&path,
		   "/api/v1/namespaces/%s/pods?labelSelector=loom.dev%%2Fmanaged%%3Dtrue"
		   "&limit=500",
		   c->namespace_);
	if (ask_get(c->ask, buf_str(&path), &a) < 0) {
		report_skipped(c->report, "weavers", "%s", a.error.text);
		return;
	}
	items = cJSON_GetObjectItemCaseSensitive(a.json, "items");
	cJSON_ArrayForEach(pod, items)
		checks_pod(seen, pod);
	for (int id = 0; id < TROUBLE_N; id++) {
		if (seen[id].n == 0)
			continue;
		any = true;
		report_trouble(c->report, REPORT_BAD, (enum trouble_id)id, "%s: %s%s%s%s",
			       seen[id].weaver, seen[id].word, seen[id].message[0] ? ": " : "",
			       seen[id].message, seen[id].n > 1 ? " (and others)" : "");
	}
	if (!any)
		report_good(c->report, "weavers", "%d, none in trouble", cJSON_GetArraySize(items));
}
