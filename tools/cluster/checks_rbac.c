/* SPDX-License-Identifier: Apache-2.0 */
/* Each verb of the shipped Role is asked for: the Role itself is the list. */
#include <stdio.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/cluster/checks.h"
#include "tools/cluster/manifests.h"

#define CHECKS_REVIEW "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

struct checks_rbac {
	struct checks *checks;
	struct buf missing;
	struct error unanswered;
	unsigned asked, refused, failed;
};

static void checks_rbac_ask(struct checks_rbac *c, const cJSON *rule, const char *group,
			    const char *resource, const char *verb)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf body = BUF_INIT;
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(rule, "resourceNames");
	const char *sub = strchr(resource, '/'),
		   *name = cJSON_GetStringValue(names ? names->child : NULL);

	buf_printf(
		&body,
		"{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\","
		"\"spec\":{\"resourceAttributes\":{\"namespace\":\"%s\",\"verb\":\"%s\","
		"\"group\":\"%s\",\"resource\":\"%.*s\",\"subresource\":\"%s\",\"name\":\"%s\"}}}",
		c->checks->namespace_, verb, group, (int)strcspn(resource, "/"), resource,
		sub ? sub + 1 : "", name ? name : "");
	int r = ask_call(c->checks->ask, REQUEST_POST, CHECKS_REVIEW, "application/json",
			 buf_str(&body), &a);
	if (r < 0) {
		c->failed++;
		c->unanswered = a.error;
		return;
	}
	c->asked++;
	if (cJSON_IsTrue(checks_get(a.json, (const char *const[]){ "status", "allowed", NULL })))
		return;
	c->refused++;
	buf_printf(&c->missing, "%s%s %s", c->missing.len ? ", " : "", verb, resource);
}

static void checks_rbac_rule(struct checks_rbac *c, const cJSON *rule)
{
	const cJSON *group, *resource, *verb;

	cJSON_ArrayForEach(group, cJSON_GetObjectItemCaseSensitive(rule, "apiGroups"))
		cJSON_ArrayForEach(resource, cJSON_GetObjectItemCaseSensitive(rule, "resources"))
			cJSON_ArrayForEach(verb, cJSON_GetObjectItemCaseSensitive(rule, "verbs"))
				checks_rbac_ask(c, rule, group->valuestring, resource->valuestring,
						verb->valuestring);
}

static int checks_rbac_object(void *data, cJSON *object, struct error *e)
{
	const cJSON *rule;

	(void)e;
	if (strcmp(checks_string(object, "kind"), "Role") == 0)
		cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(object, "rules"))
			checks_rbac_rule(data, rule);
	cJSON_Delete(object);
	return 0;
}

void checks_rbac_ask_all(struct checks *checks)
{
	struct checks_rbac c = { .checks = checks };
	struct error e = ERROR_INIT;

	if (manifests_read(checks->namespace_, checks_rbac_object, &c, &e) < 0)
		report_skipped(checks->report, "rbac", "%s", e.text);
	else if (c.refused > 0)
		report_trouble(checks->report, REPORT_BAD, TROUBLE_RBAC, "not allowed in %s: %s",
			       checks->namespace_, buf_str(&c.missing));
	else if (c.failed > 0)
		report_skipped(checks->report, "rbac", "cannot be asked: %s", c.unanswered.text);
	else
		report_good(checks->report, "rbac", "all %u verbs of the shipped Role", c.asked);
	buf_done(&c.missing);
}
