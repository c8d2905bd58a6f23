/* SPDX-License-Identifier: Apache-2.0 */
/* See object.h. */
#include "tools/kubesim/object.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kubesim/decode.h"
#include "tools/kubesim/defaults.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/patch.h"
#include "tools/kubesim/protobuf.h"
#include "tools/kubesim/quota.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/table.h"
#include "tools/kubesim/validate.h"

/* meta.k8s.io/v1 PartialObjectMetadata, of the object whose text is in body. */
static void reduce_to_metadata(struct buf *body)
{
	_cleanup_(cJSON_Deletep) cJSON *o = json_parse(buf_str(body), body->len);
	cJSON *partial = cJSON_CreateObject();
	cJSON_AddStringToObject(partial, "kind", "PartialObjectMetadata");
	cJSON_AddStringToObject(partial, "apiVersion", "meta.k8s.io/v1");
	cJSON_AddItemToObject(partial, "metadata",
			      cJSON_DetachItemFromObjectCaseSensitive(o, "metadata"));
	char *text = cJSON_PrintUnformatted(partial);
	cJSON_Delete(partial);
	buf_reset(body);
	buf_add_str(body, text);
	free(text);
}

void object_reply(struct request *r, int code, const struct kind *k, const struct revision *v)
{
	struct buf body = BUF_INIT;
	store_render(k, v, &body);
	if (strstr(r->accept, "as=PartialObjectMetadata"))
		reduce_to_metadata(&body);
	buf_add_char(&body, '\n');
	http_reply(r, code, "application/json", &body);
}

struct object *object_find(struct request *r, const struct route *route)
{
	struct object *o = store_find(route->kind, route->ns, route->name);
	if (!o)
		reply_not_found(r, route->kind->plural, route->name);
	return o;
}

static void reply_object_table(struct request *r, const struct kind *k, const struct revision *v)
{
	enum table_mode mode = table_wanted(r);
	if (mode == TABLE_OFF) {
		object_reply(r, 200, k, v);
		return;
	}
	struct buf body = BUF_INIT;
	table_begin(k, v->rv, NULL, true, &body);
	table_row(k, v, mode, &body);
	table_end(&body);
	http_reply(r, 200, "application/json", &body);
}

void object_get(struct request *r, const struct route *route)
{
	struct object *o = object_find(r, route);
	if (o)
		reply_object_table(r, route->kind, o->now);
}

/* ---- create ---- */

static void name_generate(cJSON *metadata)
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	const char *prefix = json_member(metadata, "generateName");
	if (json_member(metadata, "name") || !prefix)
		return;
	char name[ROUTE_NAME_MAX];
	int n = snprintf(name, sizeof(name) - 6, "%s", prefix);
	for (int i = 0; i < 5; i++)
		name[n + i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
	name[n + 5] = '\0';
	json_set_str(metadata, "name", name);
}

cJSON *object_body(const struct request *r)
{
	if (protobuf_is(r->content_type))
		return protobuf_read(buf_str(&r->body), r->body.len);
	return json_parse(buf_str(&r->body), r->body.len);
}

/* The request's object, or NULL: answered with 400. Returns owned. */
static cJSON *body_read(struct request *r, const struct route *route)
{
	_cleanup_(cJSON_Deletep) cJSON *json = object_body(r);
	struct error e = ERROR_INIT;
	if (!cJSON_IsObject(json)) {
		reply_bad_request(r, "couldn't get version/kind; json parse error: invalid body");
		return NULL;
	}
	const char *kind = json_str(json, "kind");
	if (kind && strcmp(kind, route->kind->kind) != 0) {
		reply_bad_request(r,
				  "%s in version \"%s\" cannot be handled as a %s: no kind \"%s\" "
				  "is registered",
				  kind, route->kind->version, route->kind->kind, kind);
		return NULL;
	}
	const char *strict = http_arg(r, "fieldValidation");
	if (!decode_check(route->kind, json, strict && strcmp(strict, "Strict") == 0, &e)) {
		reply_bad_request(r, "%s", e.text);
		return NULL;
	}
	const char *ns = json_str(json, "metadata.namespace");
	if (ns && ns[0] && route->kind->namespaced && strcmp(ns, route->ns) != 0) {
		reply_bad_request(r, "the namespace of the provided object does not match the "
				     "namespace sent on the request");
		return NULL;
	}
	return move_ptr(&json);
}

static bool namespace_check(struct request *r, const struct route *route, const char *name)
{
	if (!route->kind->namespaced)
		return true;
	struct object *ns = store_find(&kind_table[KIND_NAMESPACE], NULL, route->ns);
	if (!ns) {
		reply_not_found(r, "namespaces", route->ns);
		return false;
	}
	if (strcmp(json_member(ns->now->fields, "status.phase"), "Terminating") != 0)
		return true;
	char text[400];
	snprintf(text, sizeof(text), "namespace %s is being terminated", route->ns);
	cJSON *causes = cJSON_CreateArray(), *cause = cJSON_CreateObject();
	cJSON_AddStringToObject(cause, "reason", "NamespaceTerminating");
	cJSON_AddStringToObject(cause, "message", text);
	cJSON_AddStringToObject(cause, "field", "metadata.namespace");
	cJSON_AddItemToArray(causes, cause);
	reply_status(r,
		     &(struct reply_status){ .code = 403,
					     .reason = "Forbidden",
					     .kind = route->kind->plural,
					     .name = name,
					     .causes = causes },
		     "%s \"%s\" is forbidden: unable to create new content in namespace %s because "
		     "it is being terminated",
		     route->kind->plural, name, route->ns);
	return false;
}

/* stringData is write-only: it becomes data, in base64. */
static void secret_prepare(cJSON *secret)
{
	_cleanup_(cJSON_Deletep) cJSON *plain =
		cJSON_DetachItemFromObjectCaseSensitive(secret, "stringData");
	cJSON *item;
	cJSON_ArrayForEach(item, plain) {
		const char *text = item->valuestring ? item->valuestring : "";
		size_t n = strlen(text);
		_cleanup_(cleanup_free) char *encoded = malloc(n / 3 * 4 + 8);
		if (!encoded)
			return;
		EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)n);
		json_set_str(json_ensure(secret, "data"), item->string, encoded);
	}
	json_default_str(secret, "type", "Opaque");
}

static void namespace_prepare(cJSON *ns, const char *name)
{
	json_set_str(json_ensure(json_ensure(ns, "metadata"), "labels"),
		     "kubernetes.io/metadata.name", name);
	cJSON *spec = json_ensure(ns, "spec");
	if (!cJSON_GetObjectItem(spec, "finalizers")) {
		const char *finalizer = "kubernetes";
		cJSON_AddItemToObject(spec, "finalizers", cJSON_CreateStringArray(&finalizer, 1));
	}
	json_set_str(json_ensure(ns, "status"), "phase", "Active");
}

/* Defaults and admission of the kind; false: answered. */
static bool prepare(struct request *r, const struct route *route, cJSON *json, const char *name)
{
	switch ((enum kind_id)kind_index(route->kind)) {
	case KIND_POD:
		defaults_pod(json);
		return quota_admit(r, route->ns, name, json);
	case KIND_SECRET:
		secret_prepare(json);
		return true;
	case KIND_NAMESPACE:
		namespace_prepare(json, name);
		return true;
	default:
		return true;
	}
}

static void service_account_make(const char *ns)
{
	store_add(&kind_table[KIND_SERVICEACCOUNT], ns, "default", cJSON_CreateObject());
}

static void created(struct object *o)
{
	switch ((enum kind_id)kind_index(o->kind)) {
	case KIND_POD:
		quota_sync(o->ns);
		lifecycle_added(o);
		return;
	case KIND_RESOURCEQUOTA:
		quota_sync(o->ns);
		return;
	case KIND_NAMESPACE:
		service_account_make(o->name);
		return;
	default:
		return;
	}
}

void object_namespace_make(const char *name)
{
	cJSON *ns = cJSON_CreateObject();
	namespace_prepare(ns, name);
	created(store_add(&kind_table[KIND_NAMESPACE], "", name, ns));
}

static bool is_dry_run(const struct request *r)
{
	const char *dry = http_arg(r, "dryRun");

	return dry && strcmp(dry, "All") == 0;
}

void object_create(struct request *r, const struct route *route)
{
	_cleanup_(cJSON_Deletep) cJSON *json = body_read(r, route);
	if (!json)
		return;
	name_generate(json_ensure(json, "metadata"));
	char name[1024];
	snprintf(name, sizeof(name), "%s", json_str_or(json, "metadata.name", ""));
	if (!namespace_check(r, route, name))
		return;
	_cleanup_(validate_done) struct validation v = { 0 };
	validate_metadata(&v, route->kind, json);
	if (kind_is(route->kind, KIND_POD))
		validate_pod(&v, json);
	if (validate_reply(&v, r, route->kind, name))
		return;
	struct object *have = store_find(route->kind, route->ns, name);
	if (have) {
		_cleanup_(cJSON_Deletep) cJSON *other = store_json(have);
		reply_status(r,
			     &(struct reply_status){ 409, "AlreadyExists", route->kind->plural,
						     name },
			     "%s%s \"%s\" already exists",
			     json_str(other, "metadata.deletionTimestamp")
				     ? "object is being deleted: "
				     : "",
			     route->kind->plural, name);
		return;
	}
	if (!prepare(r, route, json, name))
		return;
	if (is_dry_run(r)) {
		reply_json(r, 201, move_ptr(&json));
		return;
	}
	struct object *o = store_add(route->kind, route->ns, name, move_ptr(&json));
	object_reply(r, 201, o->kind, o->now);
	created(o);
}

/* ---- update and patch ---- */

static void drop_empty(cJSON *metadata, const char *key)
{
	const cJSON *map = cJSON_GetObjectItemCaseSensitive(metadata, key);
	if (map && !map->child)
		cJSON_DeleteItemFromObjectCaseSensitive(metadata, key);
}

/* What the server alone decides is as it was. */
static void keep_server_fields(cJSON *json, const cJSON *before, const struct object *o)
{
	static const char *const keys[] = { "uid",
					    "creationTimestamp",
					    "deletionTimestamp",
					    "deletionGracePeriodSeconds",
					    "generation",
					    "namespace" };
	cJSON *metadata = json_ensure(json, "metadata");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const cJSON *was =
			cJSON_GetObjectItemCaseSensitive(json_at(before, "metadata"), keys[i]);
		if (was)
			json_set(metadata, keys[i], cJSON_Duplicate(was, true));
		else
			cJSON_DeleteItemFromObjectCaseSensitive(metadata, keys[i]);
	}
	drop_empty(metadata, "labels");
	drop_empty(metadata, "annotations");
	if (kind_is(o->kind, KIND_POD) || kind_is(o->kind, KIND_RESOURCEQUOTA) ||
	    kind_is(o->kind, KIND_NAMESPACE)) {
		const cJSON *status = json_at(before, "status");
		if (status)
			json_set(json, "status", cJSON_Duplicate(status, true));
	}
	cJSON_DeleteItemFromObjectCaseSensitive(json, "kind");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "apiVersion");
}

/* Checks a new state of o and stores it. Takes json. Answers. */
static void object_replace(struct request *r, struct object *o, cJSON *taken)
{
	_cleanup_(cJSON_Deletep) cJSON *json = taken;
	_cleanup_(cJSON_Deletep) cJSON *before = store_json(o);
	_cleanup_(validate_done) struct validation v = { 0 };
	const char *rv = json_str_or(json, "metadata.resourceVersion", "");
	if (rv[0] && strtoull(rv, NULL, 10) != o->now->rv) {
		reply_conflict(r, o->kind->plural, o->name,
			       "the object has been modified; please apply your changes to the "
			       "latest version and try again");
		return;
	}
	const char *uid = json_str_or(json, "metadata.uid", "");
	if (uid[0] && strcmp(uid, o->uid) != 0)
		validate_add(&v, "Invalid", "metadata.uid",
			     "Invalid value: \"%s\": field is immutable", uid);
	if (strcmp(json_str_or(json, "metadata.name", ""), o->name) != 0) {
		reply_bad_request(r,
				  "the name of the object (%s) does not match the name on the URL "
				  "(%s)",
				  json_str_or(json, "metadata.name", ""), o->name);
		return;
	}
	keep_server_fields(json, before, o);
	validate_metadata(&v, o->kind, json);
	if (kind_is(o->kind, KIND_POD))
		validate_pod_update(&v, before, json);
	if (validate_reply(&v, r, o->kind, o->name))
		return;
	if (!cJSON_Compare(json_at(before, "spec"), json_at(json, "spec"), true) &&
	    json_at(before, "metadata.generation"))
		json_set_int(json_at(json, "metadata"), "generation",
			     json_int(before, "metadata.generation", 1) + 1);
	if (kind_is(o->kind, KIND_SECRET))
		secret_prepare(json);
	if (is_dry_run(r)) {
		char api[96];
		kind_api_version(o->kind, api, sizeof(api));
		cJSON_AddStringToObject(json, "apiVersion", api);
		cJSON_AddStringToObject(json, "kind", o->kind->kind);
		reply_json(r, 200, move_ptr(&json));
		return;
	}
	bool changed = store_update(o, move_ptr(&json));
	object_reply(r, 200, o->kind, o->now);
	if (changed && kind_is(o->kind, KIND_POD))
		lifecycle_changed(o);
	if (changed && kind_is(o->kind, KIND_RESOURCEQUOTA))
		quota_sync(o->ns);
}

void object_update(struct request *r, const struct route *route)
{
	struct object *o = object_find(r, route);
	cJSON *json = o ? body_read(r, route) : NULL;
	if (json)
		object_replace(r, o, json);
}

void object_patch(struct request *r, const struct route *route)
{
	struct object *o = object_find(r, route);
	if (!o)
		return;
	enum patch_type type = patch_type(r->content_type);
	if (type == PATCH_UNKNOWN) {
		reply_status(
			r, &(struct reply_status){ 415, "UnsupportedMediaType" },
			"the body of the request was in an unknown format - accepted media types "
			"include: application/json-patch+json, application/merge-patch+json, "
			"application/strategic-merge-patch+json");
		return;
	}
	struct error e = ERROR_INIT;
	_cleanup_(cJSON_Deletep) cJSON *patch = json_parse(buf_str(&r->body), r->body.len);
	_cleanup_(cJSON_Deletep) cJSON *json = store_json(o);
	if (!patch) {
		reply_bad_request(r, "error decoding patch: invalid JSON");
		return;
	}
	int result = patch_apply(type, json, patch, &e);
	if (result == -EDOM)
		reply_status(r, &(struct reply_status){ 422, "Invalid" },
			     "the server rejected our request due to an error in our request");
	else if (result < 0)
		reply_bad_request(r, "error decoding patch: %s", e.text);
	else
		object_replace(r, o, move_ptr(&json));
}
