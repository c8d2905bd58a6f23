/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants each audit trail whole though nobody reads it: with audit_follow=always all of them,
 * from the start, else those of weavers that have ended, whose sidecars have a second or two. (Of
 * those that leave the archive wants it.) Cluster thread.
 */
#pragma once
#include "k8s/base/error.h"

struct audit;
struct weaverfs;

int audit_new(struct weaverfs *fs, struct audit **ret, struct error *e);
void audit_free(struct audit *a); /* before logs_free() */
/* From sync, after the logs were told. */
void audit_pod_changed(struct audit *a, const char *uid);
void audit_pod_gone(struct audit *a, const char *uid);
