/* SPDX-License-Identifier: Apache-2.0 */
/* From a request's method and path to the kind, name, and verb as RBAC calls it. */
#pragma once
#include <stdbool.h>

#include "tools/kubesim/http.h"
#include "tools/kubesim/kind.h"

#define ROUTE_NAME_MAX 256

struct route {
	const struct kind *kind;
	char ns[ROUTE_NAME_MAX];   /* "": all namespaces, or none */
	char name[ROUTE_NAME_MAX]; /* "": the collection */
	char sub[32];              /* subresource, "": none */
	bool watch;
};

/* False: no path of a resource this server has. */
bool route_parse(const struct request *r, struct route *ret);
const char *route_verb(const struct request *r);   /* "get" … "deletecollection" */
const char *route_method(const struct request *r); /* "GET" … */
bool route_arg_true(const struct request *r, const char *name);
