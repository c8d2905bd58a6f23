/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of pods that must not exist: a mkdir sends its POST under a name of its own making, and
 * when it fails without an answer the pod may still appear, much later (a stopped API server runs
 * what it has buffered). The journal <state>/creates is written before each POST, so that this
 * holds after kill -9 too: on start, whatever was sent and not settled is a tombstone. Cluster
 * thread.
 */
#pragma once
#include <stdbool.h>

#include "k8s/base/error.h"

struct weaverfs;
struct tombstones;
struct pod;

/* Reads the journal of fs->state_dir and compacts it. */
int tombstones_new(struct weaverfs *fs, struct tombstones **ret, struct error *e);
void tombstones_free(struct tombstones *t);

/* Before a POST: "pod_name may appear". -errno: not written, do not send. */
int tombstones_intend(struct tombstones *t, const char *pod_name, struct error *e);
/*
 * After a definite answer: the pod is a weaver, or was refused. Before the mkdir is answered: what
 * is not settled in the journal is deleted by the next start.
 */
void tombstones_settle(struct tombstones *t, const char *pod_name);
/* After an ambiguous failure: to be deleted whenever it shows up (fdatasync(2)ed). */
void tombstones_bury(struct tombstones *t, const char *pod_name);
/*
 * From sync, for every pod seen: true when it is a tombstone's. Then it is no weaver, and its
 * DELETE is on its way (grace 0, uid precondition; tried again until it is gone).
 */
bool tombstones_claims(struct tombstones *t, const struct pod *pod);
/* From sync: a DELETED of this pod: the tombstone has done its work. */
void tombstones_deleted(struct tombstones *t, const char *pod_name);
