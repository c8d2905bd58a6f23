/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong, how it shows, and what to do: one table, for `weaver doctor` and for
 * docs/troubleshooting.md. Texts name the namespace loom-weavers; doctor says the one in force.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "k8s/base/buf.h"

enum trouble_id {
	TROUBLE_KERNEL,
	TROUBLE_FUSE_MISSING,
	TROUBLE_FUSE,
	TROUBLE_FUSERMOUNT,
	TROUBLE_FUSE_OTHERS,
	TROUBLE_WEAVERFS,
	TROUBLE_SETTINGS,
	TROUBLE_MOUNT,
	TROUBLE_MOUNT_REFUSED,
	TROUBLE_MOUNT_DEGRADED,
	TROUBLE_BTF,
	TROUBLE_KUBECONFIG,
	TROUBLE_KUBECONFIG_MODE,
	TROUBLE_SERVER,
	TROUBLE_TLS,
	TROUBLE_VERSION,
	TROUBLE_CREDENTIALS,
	TROUBLE_CLOCK,
	TROUBLE_NAMESPACE,
	TROUBLE_NAMESPACE_ENDS,
	TROUBLE_RBAC,
	TROUBLE_QUOTA,
	TROUBLE_QUOTA_SMALL,
	TROUBLE_POD_SECURITY,
	TROUBLE_POLICY,
	TROUBLE_PULL_SECRET,
	TROUBLE_LIMITS,
	TROUBLE_ADMISSION,
	TROUBLE_POD,
	TROUBLE_IMAGE_NAME,
	TROUBLE_IMAGE,
	TROUBLE_ROOM,
	TROUBLE_AT_ONCE,
	TROUBLE_KILLED,
	TROUBLE_ROOT_USER,
	TROUBLE_REFERENCE,
	TROUBLE_CONFIG,
	TROUBLE_CLONE,
	TROUBLE_SIDECAR,
	TROUBLE_N,
};

struct trouble {
	const char *name;    /* of what is looked at: several troubles may share one */
	const char *symptom; /* what people notice */
	const char *seen;    /* errno and words that tell it */
	const char *words;   /* a pod's reasons, blanks around each; NULL: none of a pod's */
	const char *cure;    /* sentences or commands, a line each */
	const char *message; /* fnmatch(3) pattern of what comes with the reason; NULL: any */
};

extern const struct trouble trouble_table[TROUBLE_N];

/* The cure for this namespace. */
void trouble_add_cure(enum trouble_id id, const char *namespace_, struct buf *out);
/* Which trouble a pod's reason and its message are; TROUBLE_N: none. init: of an init container. */
enum trouble_id trouble_of_reason(const char *word, const char *message, bool init);
/* As docs/troubleshooting.md has it. */
void trouble_print_table(FILE *to);
