/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fields of a pod mean for a weaver: status, expiry, owner, reason. Pure functions of an
 * immutable pod; no lock, any thread. The meaning: loom-compat.md §2, filesystem.md §1.1.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/config/config.h"
#include "k8s/base/buf.h"
#include "k8s/pod.h"

struct reason_input;

enum weaver_status {
	WEAVER_PENDING,
	WEAVER_RUNNING,
	WEAVER_SUCCEEDED,
	WEAVER_FAILED,
	WEAVER_TERMINATING, /* deletionTimestamp set, whoever set it */
};

/* From the weaver container's state, from the phase only where there is none yet. */
enum weaver_status weaver_status(const struct pod *pod);
/* The same of a pod as if it were not deleted: what became of it in the end. */
enum weaver_status weaver_outcome(const struct pod *pod);
const char *weaver_status_word(enum weaver_status status);
/* Counts for the cap, as the quota counts: phase Pending or Running, terminating or not. */
bool weaver_active(const struct pod *pod);

const char *weaver_id(const struct pod *pod); /* UUIDv7 of label or pod name; else the uid */
/* loom.dev/name where it is a legal directory name, else weaver_id(). */
const char *weaver_name(const struct pod *pod);

/*
 * Seconds since the epoch. weaver_limit(): the latest expiry there can be, the earlier of created +
 * maxTtlHours and startTime + activeDeadlineSeconds. weaver_expires(): expires-at if present, else
 * created + lifetime-hours (missing or bad: 4), never later than created + max.
 */
int64_t weaver_limit(const struct pod *pod, const struct config *config);
int64_t weaver_expires(const struct pod *pod, const struct config *config);

/* From the annotations; a pod without them belongs to the mount's owner (uid, gid given). */
struct weaver_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* permission bits of the directory */
};
struct weaver_owner weaver_owner(const struct pod *pod, uid_t mount_uid, gid_t mount_gid);
bool weaver_hold(const struct pod *pod);
/*
 * A literal value of the weaver container's environment, or NULL: LOOM_ENV_REPO, LOOM_ENV_BRANCH.
 */
const char *weaver_env(const struct pod *pod, const char *name);

/* Its audit sidecar; NULL: it was made without one. */
const struct pod_container *weaver_sidecar(const struct pod *pod);
#define WEAVER_NO_SIDECAR "this weaver has no audit sidecar: it was made with audit_enabled=false"

/*
 * The content of `reason`: "" when healthy, else "Word: message\n" and "hint: …\n" lines that say
 * what to do (loom-compat.md §7).
 */
void weaver_reason(const struct reason_input *in, struct buf *out);
