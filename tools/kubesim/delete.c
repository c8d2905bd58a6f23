/* SPDX-License-Identifier: Apache-2.0 */
/* See delete.h. */
#include "tools/kubesim/delete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kubesim/collection.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/object.h"
#include "tools/kubesim/quota.h"
#include "tools/kubesim/reply.h"

/* Whatever names o as its owner goes with it, as the garbage collector sees to. */
static void owned_remove(const struct object *owner)
{
	static const enum kind_id kinds[] = { KIND_SECRET, KIND_CONFIGMAP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct object *const *all;
		size_t n = store_range(&kind_table[kinds[i]], owner->ns, &all);
		while (n-- > 0) {
			_cleanup_(cJSON_Deletep) cJSON *o = store_json(all[n]);
			const cJSON *first =
				cJSON_GetArrayItem(json_at(o, "metadata.ownerReferences"), 0);
			if (strcmp(json_str_or(first, "uid", ""), owner->uid) == 0)
				store_remove(all[n]);
		}
	}
}

/* A terminating namespace ends when its last pod has. */
static void namespace_finish(const char *name)
{
	struct object *ns = store_find(&kind_table[KIND_NAMESPACE], NULL, name);
	struct object *const *all;
	if (!ns || strcmp(json_member(ns->now->fields, "status.phase"), "Terminating") != 0 ||
	    store_range(&kind_table[KIND_POD], name, &all) > 0)
		return;
	for (size_t k = 0; k < KIND_COUNT; k++) {
		if (!kind_table[k].namespaced)
			continue;
		for (size_t n = store_range(&kind_table[k], name, &all); n-- > 0;)
			store_remove(all[n]);
	}
	store_remove(ns);
}

void delete_finish(struct object *o)
{
	char ns[ROUTE_NAME_MAX];
	bool pod = kind_is(o->kind, KIND_POD);
	snprintf(ns, sizeof(ns), "%s", o->ns);
	owned_remove(o);
	store_remove(o);
	if (!pod)
		return;
	quota_sync(ns);
	namespace_finish(ns);
}

/* False: answered with 409. */
static bool preconditions_hold(struct request *r, const struct object *o, const cJSON *options)
{
	char text[400] = "";
	const char *uid = json_str(options, "preconditions.uid");
	const char *rv = json_str(options, "preconditions.resourceVersion");
	if (uid && strcmp(uid, o->uid) != 0)
		snprintf(text, sizeof(text),
			 "the UID in the precondition (%s) does not match the UID in record (%s). "
			 "The object might have been deleted and then recreated",
			 uid, o->uid);
	else if (rv && strtoull(rv, NULL, 10) != o->now->rv)
		snprintf(text, sizeof(text),
			 "the ResourceVersion in the precondition (%s) does not match the "
			 "ResourceVersion in record (%llu). The object might have been modified",
			 rv, (unsigned long long)o->now->rv);
	if (text[0])
		reply_conflict(r, o->kind->plural, o->name, text);
	return !text[0];
}

/* r and options may be NULL: the pod alone decides. */
static int64_t grace_of(const struct request *r, const cJSON *options, const cJSON *pod)
{
	const char *query = r ? http_arg(r, "gracePeriodSeconds") : NULL;
	const char *phase = json_str_or(pod, "status.phase", "");
	int64_t grace = json_int(pod, "spec.terminationGracePeriodSeconds", 30);
	if (query)
		grace = atoll(query);
	grace = json_int(options, "gracePeriodSeconds", grace);
	if (!json_str(pod, "spec.nodeName") || strcmp(phase, "Succeeded") == 0 ||
	    strcmp(phase, "Failed") == 0)
		return 0;
	return grace < 0 ? 0 : grace;
}

static void namespace_delete(struct object *ns)
{
	cJSON *json = store_json(ns);
	char name[ROUTE_NAME_MAX];
	snprintf(name, sizeof(name), "%s", ns->name);
	json_set_str(json_ensure(json, "status"), "phase", "Terminating");
	json_set_str(json_at(json, "metadata"), "deletionTimestamp",
		     json_str_or(json, "metadata.creationTimestamp", ""));
	store_update(ns, json);
	struct object *const *pods;
	size_t n = store_range(&kind_table[KIND_POD], name, &pods);
	while (n > 0) {
		_cleanup_(cJSON_Deletep) cJSON *pod = store_json(pods[--n]);
		bool going = json_str(pod, "metadata.deletionTimestamp");
		if (!going && lifecycle_delete(pods[n], grace_of(NULL, NULL, pod)))
			continue;
		size_t left = store_range(&kind_table[KIND_POD], name, &pods);
		n = n < left ? n : left;
	}
	namespace_finish(name);
}

void delete_one(struct request *r, const struct route *route)
{
	struct object *o = object_find(r, route);
	if (!o)
		return;
	_cleanup_(cJSON_Deletep) cJSON *options = object_body(r);
	if (!preconditions_hold(r, o, options))
		return;
	struct revision *last = store_revision_ref(o->now);
	if (kind_is(o->kind, KIND_POD)) {
		_cleanup_(cJSON_Deletep) cJSON *pod = store_json(o);
		if (lifecycle_delete(o, grace_of(r, options, pod))) {
			store_revision_unref(last);
			last = store_revision_ref(o->now);
		}
		object_reply(r, 200, route->kind, last);
	} else if (kind_is(o->kind, KIND_NAMESPACE)) {
		namespace_delete(o);
		object_reply(r, 200, route->kind, last);
	} else {
		reply_status(r,
			     &(struct reply_status){ .code = 200,
						     .kind = route->kind->plural,
						     .name = o->name,
						     .uid = o->uid },
			     "%s", "");
		delete_finish(o);
	}
	store_revision_unref(last);
}

void delete_collection(struct request *r, const struct route *route)
{
	_cleanup_(selector_freep) struct selector *labels = NULL;
	_cleanup_(selector_freep) struct selector *fields = NULL;
	struct selector *l, *f;
	if (!collection_selectors(r, route->kind, &l, &f))
		return;
	labels = l;
	fields = f;
	_cleanup_(cJSON_Deletep) cJSON *options = object_body(r);
	struct snapshot *s = store_snapshot(route->kind, route->ns);
	struct buf body = BUF_INIT;
	buf_printf(&body,
		   "{\"kind\":\"%sList\",\"apiVersion\":\"v1\",\"metadata\":"
		   "{\"resourceVersion\":\"%llu\"},\"items\":[",
		   route->kind->kind, (unsigned long long)s->rv);
	size_t sent = 0;
	for (size_t i = 0; i < s->count; i++) {
		char *slash = strchr(s->keys[i], '/');
		*slash = '\0';
		struct object *o = store_find(route->kind, s->keys[i], slash + 1);
		if (!o || !selector_matches(labels, s->items[i]->labels) ||
		    !selector_matches(fields, s->items[i]->fields))
			continue;
		buf_add_str(&body, sent++ ? "," : "");
		buf_add(&body, s->items[i]->text, s->items[i]->len);
		_cleanup_(cJSON_Deletep) cJSON *json = store_json(o);
		if (kind_is(o->kind, KIND_POD))
			lifecycle_delete(o, grace_of(r, options, json));
		else
			delete_finish(o);
	}
	store_snapshot_free(s);
	buf_add_str(&body, "]}\n");
	http_reply(r, 200, "application/json", &body);
}
