/* SPDX-License-Identifier: Apache-2.0 */
/* The server, the credentials, the clock, the namespace and its level of Pod Security. */
#include "tools/cluster/checks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/cluster.h"

#define CHECKS_MINOR_MIN 30
#define CHECKS_SKEW_MS 2500 /* the Date header has whole seconds */

const cJSON *checks_get(const cJSON *json, const char *const keys[])
{
	for (; *keys && json; keys++)
		json = cJSON_GetObjectItemCaseSensitive(json, *keys);
	return json;
}

const char *checks_string(const cJSON *json, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

	return s ? s : "";
}

/* Why a call was refused that everybody with credentials may make. */
static void checks_refused(struct checks *c, const struct ask_answer *a)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;
	struct cluster *cluster = ask_cluster(c->ask);
	bool anonymous = strstr(a->error.text, "system:anonymous") != NULL;

	if (a->http == 401 || anonymous) {
		if (anonymous)
			cluster_explain_unauthorized(cluster, &why);
		report_trouble(c->report, REPORT_BAD, TROUBLE_CREDENTIALS, "%s%s%s", buf_str(&why),
			       why.len ? "; the server says: " : "", a->error.text);
	} else if (a->r == -EPROTO) {
		report_trouble(c->report, REPORT_BAD, TROUBLE_TLS, "%s", a->error.text);
	} else {
		report_trouble(c->report, REPORT_BAD, TROUBLE_SERVER, "%s: %s",
			       cluster_server(cluster), a->error.text);
	}
}

bool checks_server(struct checks *c)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	const char *server = cluster_server(ask_cluster(c->ask));
	unsigned major = 0, minor = 0;

	if (ask_get(c->ask, "/version", &a) < 0) {
		checks_refused(c, &a);
		return false;
	}
	const char *version = checks_string(a.json, "gitVersion");
	if (!*version) {
		report_trouble(c->report, REPORT_BAD, TROUBLE_SERVER,
			       "%s is no Kubernetes API server: its /version has no gitVersion",
			       server);
		return false;
	}
	if (sscanf(version, "v%u.%u", &major, &minor) == 2 &&
	    (major < 1 || (major == 1 && minor < CHECKS_MINOR_MIN))) {
		report_trouble(c->report, REPORT_BAD, TROUBLE_VERSION, "%s is Kubernetes %s",
			       server, version);
		return false;
	}
	report_good(c->report, "server", "%s, Kubernetes %s", server, version);
	return true;
}

void checks_clock(struct checks *c)
{
	int64_t skew_ms = ask_clock_skew_ms(c->ask);

	if (skew_ms > CHECKS_SKEW_MS || skew_ms < -CHECKS_SKEW_MS)
		report_trouble(c->report, REPORT_BAD, TROUBLE_CLOCK,
			       "the API server's clock is %.1f s %s this host's",
			       (double)llabs(skew_ms) / 1000, skew_ms > 0 ? "ahead of" : "behind");
	else
		report_good(c->report, "clock", "within %.1f s of the API server's",
			    (double)(llabs(skew_ms) + 500) / 1000);
}

/* ---- Pod Security ---- */

/* Only an administrator may look; who may not is told nothing by it. */
static bool checks_policy_is_bound(struct checks *c, bool *ret_bound)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };

	int r = ask_get(c->ask,
			"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/"
			"loom.dev-weavers",
			&a);
	*ret_bound = r == 0;
	return r == 0 || a.http == 404;
}

static void checks_pod_security(struct checks *c, const cJSON *namespace_)
{
	const cJSON *labels =
		checks_get(namespace_, (const char *const[]){ "metadata", "labels", NULL });
	const char *level = checks_string(labels, "pod-security.kubernetes.io/enforce");
	bool labelled = strcmp(checks_string(labels, "loom.dev/weavers"), "true") == 0;
	bool open = !*level || strcmp(level, "privileged") == 0, bound = false;

	if (c->audit && !open) {
		report_trouble(c->report, REPORT_BAD, TROUBLE_POD_SECURITY,
			       "audit_enabled, and the namespace enforces %s", level);
		return;
	}
	if (!open) {
		report_good(c->report, "pod security", "the namespace enforces %s", level);
		return;
	}
	if (!labelled) {
		report_trouble(
			c->report, REPORT_WARNING, TROUBLE_POLICY,
			"the namespace enforces %s, and has no label loom.dev/weavers=true for "
			"the policy",
			*level ? level : "nothing");
		return;
	}
	if (checks_policy_is_bound(c, &bound) && !bound)
		report_trouble(
			c->report, REPORT_WARNING, TROUBLE_POLICY,
			"the namespace enforces %s, and the policy loom.dev-weavers is not bound",
			*level ? level : "nothing");
	else
		report_good(
			c->report, "pod security", "privileged, %s",
			bound ? "and the policy loom.dev-weavers is bound"
			      : "with the policy's label; this account may not look at the policy");
}

bool checks_namespace(struct checks *c)
{
	_cleanup_(ask_answer_done) struct ask_answer a = { 0 };
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "/api/v1/namespaces/%s", c->namespace_);
	if (ask_get(c->ask, buf_str(&path), &a) < 0) {
		if (a.http == 404)
			report_trouble(c->report, REPORT_BAD, TROUBLE_NAMESPACE,
				       "%s does not exist on %s", c->namespace_,
				       cluster_server(ask_cluster(c->ask)));
		else if (a.http == 403 && !strstr(a.error.text, "system:anonymous"))
			report_trouble(c->report, REPORT_BAD, TROUBLE_RBAC, "%s", a.error.text);
		else
			checks_refused(c, &a);
		return false;
	}
	report_good(c->report, "credentials", "%s", cluster_source_name(ask_cluster(c->ask)));
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(a.json, "status");
	if (strcmp(checks_string(status, "phase"), "Terminating") == 0) {
		report_trouble(c->report, REPORT_BAD, TROUBLE_NAMESPACE_ENDS, "%s is terminating",
			       c->namespace_);
		return false;
	}
	report_good(c->report, "namespace", "%s", c->namespace_);
	checks_pod_security(c, a.json);
	return true;
}
