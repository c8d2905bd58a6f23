/* SPDX-License-Identifier: Apache-2.0 */
/* The resources kubesim serves: one row each, which discovery, routing and storage read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct kind {
	const char *group, *version; /* "" is the core group */
	const char *plural, *kind, *short_name;
	bool namespaced;
	const char *const *fields; /* field selectors beyond metadata.*; NULL-terminated */
};

enum kind_id {
	KIND_POD,
	KIND_NAMESPACE,
	KIND_NODE,
	KIND_EVENT,
	KIND_SECRET,
	KIND_CONFIGMAP,
	KIND_RESOURCEQUOTA,
	KIND_LIMITRANGE,
	KIND_SERVICEACCOUNT,
	KIND_ROLE,
	KIND_ROLEBINDING,
	KIND_NETWORKPOLICY,
	KIND_POLICY,
	KIND_POLICYBINDING,
	KIND_COUNT,
};

extern const struct kind kind_table[KIND_COUNT];

const struct kind *kind_find(const char *group, const char *version, const char *plural);
static inline size_t kind_index(const struct kind *k)
{
	return (size_t)(k - kind_table);
}
static inline bool kind_is(const struct kind *k, enum kind_id id)
{
	return k == &kind_table[id];
}
/* "v1", "rbac.authorization.k8s.io/v1" */
void kind_api_version(const struct kind *k, char *out, size_t size);
