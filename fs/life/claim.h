/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was first with a name. mkdir and mv give a pod a name; other mounts may do so at the same
 * time, and the API server takes them all. The order in which its watch tells of the pods with that
 * name decides: a rival is another pod that comes before ours, and then ours goes. When the watch
 * was interrupted in between, its order means nothing: a fresh LIST by label decides, and any rival
 * there wins, so perhaps nobody does, but never two. Cluster thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"
#include "k8s/base/list.h"

struct pod;
struct reply;
struct request;
struct weaverfs;

struct claim {
	struct list node; /* in a list of all claims of the mount; list_init() before */
	char name[64];
	char pod[80];    /* name of the pod that is to have it */
	char uid[64];    /* of that pod, once it is known */
	bool sent;       /* it may have the name from now on */
	bool seen;       /* the watch has told that it has it, and of no rival before */
	bool rival;      /* somebody else was first */
	bool order_lost; /* the watch broke between sent and seen */
	/* seen or rival has become true; may end the claim, and free it. */
	void (*changed)(struct claim *c);
};

/* Another claim than `but` on the name is under way. */
bool claim_taken(const struct list *claims, const struct claim *but, const char *name);
/* A live pod as the watch has just told of it; in its order. */
void claim_pod_seen(struct list *claims, const struct pod *pod);
/* A replace has begun: what spans it has no order. */
void claim_order_lost(struct list *claims);

/* The deciding LIST: its reply goes to claim_listed(). NULL: out of memory. */
struct request *claim_list(struct weaverfs *fs, const struct claim *c, int64_t deadline_ns,
			   void (*on_done)(void *data, const struct reply *reply), void *data);
/* 0 and c->rival, or why it is not known. Pods of failed mkdirs of ours are no rivals. */
int claim_listed(struct weaverfs *fs, struct claim *c, const struct reply *reply, struct error *e);
