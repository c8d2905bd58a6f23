/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What df shows: the namespace's memory quota, used and free; without one the memory that the nodes
 * have for pods, if it may be read, less the limits of the weavers; else zeros, which df prints as
 * "-". Asked for every 30 s in the background; df itself never waits.
 */
#pragma once
#include <sys/statvfs.h>

#include "k8s/base/error.h"

struct quota;
struct weaverfs;

int quota_new(struct weaverfs *fs, struct quota **ret, struct error *e); /* asks at once */
void quota_free(struct quota *q);                                        /* cluster thread */
/* A pod of ours was made or has gone: asks again, once a second at most. Cluster thread. */
void quota_changed(struct quota *q);
/* f_blocks, f_bfree and f_bavail, in units of f_frsize, which is set. Any thread. */
void quota_statfs(struct quota *q, struct statvfs *st);
