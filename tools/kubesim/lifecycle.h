/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler and the kubelet in one: takes pods from Pending to their end, by the life of their
 * sandboxes, and writes their status. State directory: pods/<uid>/.
 */
#pragma once
#include "k8s/base/error.h"
#include "tools/kubesim/store.h"

#define LIFECYCLE_NODE "kubesim"
#define LIFECYCLE_CPU_MILLI (64 * 1000LL)
#define LIFECYCLE_MEMORY (128LL << 30)

int lifecycle_init(const char *state_dir, struct error *e);
void lifecycle_done(void); /* kills all sandboxes and waits for them */

void lifecycle_added(struct object *pod);
void lifecycle_changed(struct object *pod); /* spec.activeDeadlineSeconds may have been lowered */
/*
 * A DELETE: with grace > 0 the pod terminates and goes away by itself later (true: it is still
 * there); with 0 it is gone on return (false) and pod is freed.
 */
bool lifecycle_delete(struct object *pod, int64_t grace_s);

struct container;
/* Borrowed until the next turn of the loop; NULL: there is none of that name. */
struct container *lifecycle_container(const struct object *pod, const char *name);
