/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a weaver is made of, and the Pod (core/v1) that is made of it, exactly as loom-compat.md §2
 * has it. Pure: no clock, no I/O.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/config/config.h"
#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/base/uuid.h"

struct podspec_pair {
	char *key, *value;
};

/* A draft's (and the defaults') content. Owned by whoever has it; NULL and 0 where not asked. */
struct podspec {
	char *image;
	char **command, **args; /* NULL-terminated, or NULL */
	char *workdir, *repo, *branch;
	char *cpu, *memory;
	struct podspec_pair *env, *tags;
	struct podspec_pair *secrets; /* kept in a Secret that the pod owns; never shown */
	size_t n_env, n_tags, n_secrets;
	int64_t ttl_s; /* 0: the default */
	bool hold;
	int refs; /* atomic; of those made by podspec_new() and podspec_copy() */
};

/* The defaults. */
int podspec_init(struct podspec *s, const struct config *config, struct error *e);
void podspec_done(struct podspec *s); /* secrets are wiped before they are freed */

/* On the heap with one reference; immutable once it is shared. NULL: out of memory. */
struct podspec *podspec_new(const struct config *config, struct error *e);
struct podspec *podspec_copy(const struct podspec *s);
struct podspec *podspec_ref(struct podspec *s);
void podspec_unref(struct podspec *s);
DEFINE_CLEANUP(struct podspec *, podspec_unref)

struct podspec_identity {
	char id[UUID_LEN + 1]; /* UUIDv7; the pod is weaver-<id> */
	const char *name;      /* the directory's; label loom.dev/name and hostname */
	uid_t uid;
	gid_t gid;
	mode_t mode;               /* permission bits of the directory */
	const char *owner_user_id; /* after `users_file`, or the numeric uid */
	int64_t now_s;             /* the server's clock */
};

/* The Pod as JSON, appended to out. -EINVAL: a value that Kubernetes would refuse, and which. */
int podspec_build(const struct podspec *s, const struct podspec_identity *id,
		  const struct config *config, struct buf *out, struct error *e);

/*
 * Where there are secrets: the Secret (core/v1) that holds them, owned by the pod and collected
 * with it. *out has room for all of it from the start, so that no copy is left behind; the caller
 * wipes it (buf_wipe()).
 */
#define PODSPEC_SECRET_NAME_LEN (sizeof("weaver--secrets") - 1 + UUID_LEN)
void podspec_secret_name(const char *id, char out[PODSPEC_SECRET_NAME_LEN + 1]);
int podspec_secret_build(const struct podspec *s, const char *id, const char *pod_uid,
			 struct buf *out, struct error *e);

/* Frees a NULL-terminated list of owned strings. */
void podspec_free_strings(char **list);

/* loom.dev/image-registry and -name of an image reference, as label values. Never fails. */
void podspec_image_labels(const char *image, struct buf *image_label, struct buf *registry,
			  struct buf *name);

/* Whether name may be a weaver's directory (RFC 1123 label): 0, -EINVAL, -ENAMETOOLONG (over 63),
 * -EPERM (leading dot). */
int podspec_check_name(const char *name, struct error *e);

/* The names of loom-compat.md §2 that are written here and read in weaver.c. */
#define LOOM_LABEL_MANAGED "loom.dev/managed"
#define LOOM_LABEL_ID "loom.dev/weaver-id"
#define LOOM_LABEL_NAME "loom.dev/name"
#define LOOM_LABEL_OWNER "loom.dev/owner-user-id"
#define LOOM_LABEL_ORG "loom.dev/org-id"
#define LOOM_LABEL_IMAGE "loom.dev/image"
#define LOOM_LABEL_IMAGE_REGISTRY "loom.dev/image-registry"
#define LOOM_LABEL_IMAGE_NAME "loom.dev/image-name"
#define LOOM_ANNOTATION_TAGS "loom.dev/tags"
#define LOOM_ANNOTATION_LIFETIME "loom.dev/lifetime-hours"
#define LOOM_ANNOTATION_EXPIRES "loom.dev/expires-at"
#define LOOM_ANNOTATION_UID "loom.dev/uid"
#define LOOM_ANNOTATION_GID "loom.dev/gid"
#define LOOM_ANNOTATION_MODE "loom.dev/mode"
#define LOOM_ANNOTATION_HOLD "loom.dev/hold"
#define LOOM_ENV_REPO "LOOM_REPO"
#define LOOM_ENV_BRANCH "LOOM_BRANCH"
#define LOOM_CONTAINER "weaver"
#define LOOM_SIDECAR "audit-sidecar"
#define LOOM_SIDECAR_METRICS_PORT 9090 /* where its environment names none */
#define LOOM_POD_PREFIX "weaver-"
