/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A weaver is made, and not kept: ?dryRun=All goes through all that a creation does, validation,
 * Pod Security, LimitRange, quota, policies and webhooks, of which the account of weaverfs may read
 * hardly any. The pod is weaverfs' own, from `weaverfs --pod`.
 */
#include <errno.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/cluster/checks.h"

#define CHECKS_CREATE "new weaver"

/* k8s/status.c has told what kind of refusal it is; which trouble it is, only the words tell. */
static const struct {
	int r;
	const char *words; /* NULL: any */
	enum trouble_id id;
} checks_refusals[] = {
	{ -EACCES, "User \"", TROUBLE_RBAC },
	{ -EDQUOT, NULL, TROUBLE_QUOTA },
	{ -EPERM, "violates PodSecurity", TROUBLE_POD_SECURITY },
	{ -EPERM, "ValidatingAdmissionPolicy 'loom.dev-weavers'", TROUBLE_POLICY },
	{ -EPERM, " usage per ", TROUBLE_LIMITS },
	{ -EPERM, "limit to request ratio per ", TROUBLE_LIMITS },
	{ -EPERM, NULL, TROUBLE_ADMISSION },
	{ -EINVAL, NULL, TROUBLE_POD },
};

static enum trouble_id checks_refusal(const struct ask_answer *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks_refusals); i++)
		if (a->r == checks_refusals[i].r &&
		    (!checks_refusals[i].words || strstr(a->error.text, checks_refusals[i].words)))
			return checks_refusals[i].id;
	return TROUBLE_N;
}

static void checks_create_refused(struct report *r, const struct ask_answer *a)
{
	enum trouble_id id = checks_refusal(a);

	if (id == TROUBLE_N)
		report_skipped(r, CHECKS_CREATE, "cannot be tried: %s", a->error.text);
	else if (r->said[id])
		report_skipped(r, CHECKS_CREATE, "would be refused, as is said above: %s",
			       trouble_table[id].name);
	else
		report_trouble(r, REPORT_BAD, id, "%s", a->error.text);
}

void checks_create_try(struct checks *c)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf pod = BUF_INIT, path = BUF_INIT;
	struct error e = ERROR_INIT;

	if (settings_pod(c->settings, &pod, &e) < 0) {
		report_skipped(c->report, CHECKS_CREATE, "cannot be tried: %s", e.text);
		return;
	}
	buf_printf(&path, "/api/v1/namespaces/%s/pods?fieldValidation=Strict&dryRun=All",
		   c->namespace_);
	if (ask_call(c->ask, REQUEST_POST, buf_str(&path), "application/json", buf_str(&pod), &a) <
	    0)
		checks_create_refused(c->report, &a);
	else
		report_good(c->report, CHECKS_CREATE, "the server would take one now");
}
