/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See api.h. One user may do everything, the administrator: by client certificate or bearer token.
 * Wrong credentials are 401 and nothing but "Unauthorized", none at all is 403 for
 * system:anonymous, as the API server does it.
 */
#include "tools/kubesim/api.h"

#include <string.h>

#include "tools/kubesim/collection.h"
#include "tools/kubesim/delete.h"
#include "tools/kubesim/discovery.h"
#include "tools/kubesim/fault.h"
#include "tools/kubesim/logs.h"
#include "tools/kubesim/object.h"
#include "tools/kubesim/remote.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/route.h"
#include "tools/kubesim/tls.h"
#include "tools/kubesim/watch.h"

static const char *admin_token;

int api_init(const char *token)
{
	admin_token = token;
	return 0;
}

/* NULL: credentials that are none. */
static const char *user_of(const struct request *r)
{
	char name[128] = "";
	const char *given = r->authorization;
	if (strncmp(given, "Bearer ", 7) == 0 && given[7])
		return strcmp(given + 7, admin_token) == 0 ? "kubernetes-admin" : NULL;
	switch (tls_client(http_tls(r), name, sizeof(name))) {
	case TLS_CLIENT_GOOD:
		return "kubernetes-admin";
	case TLS_CLIENT_BAD:
		return NULL;
	case TLS_CLIENT_NONE:
	default:
		return "system:anonymous";
	}
}

static void forbid(struct request *r, const struct route *route)
{
	const char *verb = route_verb(r);
	if (!route) {
		reply_status(r, &(struct reply_status){ .code = 403, .reason = "Forbidden" },
			     "forbidden: User \"%s\" cannot %s path \"%s\"", r->user, verb,
			     r->path);
		return;
	}
	_cleanup_(buf_done) struct buf name = BUF_INIT, scope = BUF_INIT;
	if (route->name[0])
		buf_printf(&name, " \"%s\"", route->name);
	if (route->ns[0])
		buf_printf(&scope, "in the namespace \"%s\"", route->ns);
	else
		buf_add_str(&scope, "at the cluster scope");
	reply_status(r,
		     &(struct reply_status){ .code = 403,
					     .reason = "Forbidden",
					     .kind = route->kind->plural,
					     .name = route->name[0] ? route->name : NULL },
		     "%s%s is forbidden: User \"%s\" cannot %s resource \"%s%s%s\" in API group "
		     "\"%s\" %s",
		     route->kind->plural, buf_str(&name), r->user, verb, route->kind->plural,
		     route->sub[0] ? "/" : "", route->sub, route->kind->group, buf_str(&scope));
}

static void serve_collection(struct request *r, const struct route *route)
{
	struct selector *labels, *fields;
	switch (r->method) {
	case HTTP_GET:
		if (!route->watch)
			collection_list(r, route);
		else if (collection_selectors(r, route->kind, &labels, &fields))
			watch_start(r, route, labels, fields);
		return;
	case HTTP_POST:
		object_create(r, route);
		return;
	case HTTP_DELETE:
		delete_collection(r, route);
		return;
	default:
		reply_method(r);
	}
}

static void serve_one(struct request *r, const struct route *route)
{
	switch (r->method) {
	case HTTP_GET:
		object_get(r, route);
		return;
	case HTTP_PUT:
		object_update(r, route);
		return;
	case HTTP_PATCH:
		object_patch(r, route);
		return;
	case HTTP_DELETE:
		delete_one(r, route);
		return;
	default:
		reply_method(r);
	}
}

static void serve_sub(struct request *r, const struct route *route)
{
	const struct object *o = store_find(route->kind, route->ns, route->name);
	if (!o)
		reply_not_found(r, route->kind->plural, route->name);
	else if (kind_is(route->kind, KIND_POD) && strcmp(route->sub, "log") == 0)
		logs_serve(r, o);
	else if (kind_is(route->kind, KIND_POD) &&
		 (strcmp(route->sub, "exec") == 0 || strcmp(route->sub, "attach") == 0 ||
		  strcmp(route->sub, "portforward") == 0))
		reply_bad_request(r, "Upgrade request required");
	else
		reply_status(r, &(struct reply_status){ 404, "NotFound" },
			     "the server could not find the requested resource");
}

/* Anyone who got in may do anything. */
static void serve_access_review(struct request *r)
{
	cJSON *o = json_parse(buf_str(&r->body), r->body.len);
	if (!cJSON_IsObject(o)) {
		cJSON_Delete(o);
		reply_bad_request(r, "invalid body");
		return;
	}
	cJSON_AddBoolToObject(json_ensure(o, "status"), "allowed", true);
	reply_json(r, 201, o);
}

void api_handle(struct request *r)
{
	struct route route;
	if (r->too_large) {
		reply_status(r,
			     &(struct reply_status){ .code = 413,
						     .reason = "RequestEntityTooLarge" },
			     "Request entity too large: limit is %d", HTTP_MAX_BODY);
		return;
	}
	if (fault_answer(r))
		return;
	r->user = user_of(r);
	if (!r->user) {
		reply_status(r, &(struct reply_status){ 401, "Unauthorized" }, "Unauthorized");
		return;
	}
	bool resource = route_parse(r, &route);
	if (strcmp(r->user, "system:anonymous") == 0 && !discovery_public(r)) {
		forbid(r, resource ? &route : NULL);
		return;
	}
	if (strcmp(r->path, "/_kubesim/faults") == 0)
		fault_serve(r);
	else if (!resource && strcmp(r->path, "/apis/authorization.k8s.io/v1/"
					      "selfsubjectaccessreviews") == 0)
		serve_access_review(r);
	else if (!resource && !discovery_serve(r))
		reply_text(r, 404, "text/plain; charset=utf-8", "404 page not found\n");
	else if (!resource)
		return;
	else if (route.sub[0])
		serve_sub(r, &route);
	else if (route.name[0] && !route.watch)
		serve_one(r, &route);
	else
		serve_collection(r, &route);
}

bool api_upgrade(struct request *r, bool v5)
{
	struct route route;
	if (fault_answer(r))
		return false;
	r->user = user_of(r);
	if (!r->user) {
		reply_status(r, &(struct reply_status){ 401, "Unauthorized" }, "Unauthorized");
		return false;
	}
	if (strcmp(r->user, "system:anonymous") == 0) {
		forbid(r, route_parse(r, &route) ? &route : NULL);
		return false;
	}
	return remote_check(r, v5);
}
