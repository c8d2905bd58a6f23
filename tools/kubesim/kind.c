/* SPDX-License-Identifier: Apache-2.0 */
/* See kind.h. */
#include "tools/kubesim/kind.h"

#include <stdio.h>
#include <string.h>

static const char *const pod_fields[] = { "spec.nodeName",
					  "spec.restartPolicy",
					  "spec.schedulerName",
					  "spec.serviceAccountName",
					  "status.phase",
					  "status.podIP",
					  NULL };
static const char *const event_fields[] = { "involvedObject.kind",
					    "involvedObject.namespace",
					    "involvedObject.name",
					    "involvedObject.uid",
					    "involvedObject.fieldPath",
					    "reason",
					    "type",
					    NULL };
static const char *const namespace_fields[] = { "status.phase", NULL };
static const char *const secret_fields[] = { "type", NULL };
static const char *const no_fields[] = { NULL };

/* clang-format off */
const struct kind kind_table[KIND_COUNT] = {
	[KIND_POD]            = { "", "v1", "pods", "Pod", "po", true, pod_fields },
	[KIND_NAMESPACE]      = { "", "v1", "namespaces", "Namespace", "ns", false, namespace_fields },
	[KIND_NODE]           = { "", "v1", "nodes", "Node", "no", false, no_fields },
	[KIND_EVENT]          = { "", "v1", "events", "Event", "ev", true, event_fields },
	[KIND_SECRET]         = { "", "v1", "secrets", "Secret", NULL, true, secret_fields },
	[KIND_CONFIGMAP]      = { "", "v1", "configmaps", "ConfigMap", "cm", true, no_fields },
	[KIND_RESOURCEQUOTA]  = { "", "v1", "resourcequotas", "ResourceQuota", "quota", true, no_fields },
	[KIND_LIMITRANGE]     = { "", "v1", "limitranges", "LimitRange", "limits", true, no_fields },
	[KIND_SERVICEACCOUNT] = { "", "v1", "serviceaccounts", "ServiceAccount", "sa", true, no_fields },
	[KIND_ROLE]           = { "rbac.authorization.k8s.io", "v1", "roles", "Role", NULL, true, no_fields },
	[KIND_ROLEBINDING]    = { "rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", NULL, true, no_fields },
	[KIND_NETWORKPOLICY]  = { "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", true, no_fields },
	[KIND_POLICY]         = { "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", NULL, false, no_fields },
	[KIND_POLICYBINDING]  = { "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", NULL, false, no_fields },
};
/* clang-format on */

const struct kind *kind_find(const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &kind_table[i];
		if (strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0 &&
		    strcmp(k->plural, plural) == 0)
			return k;
	}
	return NULL;
}

void kind_api_version(const struct kind *k, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", k->group, k->group[0] ? "/" : "", k->version);
}
