/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that make and change objects, and get. Each answers the request. */
#pragma once
#include "tools/kubesim/route.h"
#include "tools/kubesim/store.h"

void object_get(struct request *r, const struct route *route);
void object_create(struct request *r, const struct route *route);
void object_update(struct request *r, const struct route *route);
void object_patch(struct request *r, const struct route *route);

/* Namespaces and what comes with them; used at start too. */
void object_namespace_make(const char *name);

/* For delete.c: the object of the route, or NULL and answered with 404. */
struct object *object_find(struct request *r, const struct route *route);
void object_reply(struct request *r, int code, const struct kind *k, const struct revision *v);
/* The body, JSON or protobuf; NULL: none, or neither. Returns owned. */
cJSON *object_body(const struct request *r);
