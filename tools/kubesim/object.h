/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that change objects, and get. Each answers the request. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/store.h"

void object_get(struct request *r, const struct route *route);
void object_create(struct request *r, const struct route *route);
void object_update(struct request *r, const struct route *route);
void object_patch(struct request *r, const struct route *route);
void object_delete(struct request *r, const struct route *route);
void object_delete_collection(struct request *r, const struct route *route);

/* The last step of a deletion, whoever began it: collects what the object owned, frees it. */
void object_remove(struct object *o);
/* Namespaces and what comes with them; used at start too. */
void object_namespace_make(const char *name);
