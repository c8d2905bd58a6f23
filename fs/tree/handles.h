/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is open: the kernel sends no RELEASE for what is still open when the mount ends, so every
 * handle is kept in one set that frees the rest. Any thread.
 */
#pragma once
#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct handles;

/* Embedded in a handle. */
struct handles_node {
	struct list node; /* LOCK_LEAF of the set */
	void (*free)(struct handles_node *n);
};

int handles_new(struct handles **ret, struct error *e);
/* After the session's loop and the cluster thread have ended: frees what was never released. */
void handles_free(struct handles *h);
void handles_add(struct handles *h, struct handles_node *n, void (*free)(struct handles_node *n));
void handles_remove(struct handles *h, struct handles_node *n);
