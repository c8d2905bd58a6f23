/* SPDX-License-Identifier: Apache-2.0 */
/* See store.h. Out of memory ends the program: it is a test tool, and half a store would lie. */
#include "tools/kubesim/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "k8s/base/rfc3339.h"
#include "k8s/base/uuid.h"

struct shelf {
	struct object **items; /* sorted */
	size_t count, room;
};

static struct {
	struct shelf shelves[KIND_COUNT];
	struct change ring[STORE_HISTORY];
	uint64_t rv;     /* of the last change */
	uint64_t oldest; /* first rv still in the ring */
	void (*notify)(const struct change *c);
} store = { .rv = 100, .oldest = 101 };

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- revisions ---- */

struct revision *store_revision_ref(struct revision *v)
{
	v->refs++;
	return v;
}

void store_revision_unref(struct revision *v)
{
	if (!v || --v->refs > 0)
		return;
	free(v->text);
	cJSON_Delete(v->labels);
	cJSON_Delete(v->fields);
	free(v);
}

static cJSON *fields_of(const struct kind *k, const cJSON *json)
{
	cJSON *fields = cJSON_CreateObject();
	cJSON_AddStringToObject(fields, "metadata.name", json_str_or(json, "metadata.name", ""));
	cJSON_AddStringToObject(fields, "metadata.namespace",
				json_str_or(json, "metadata.namespace", ""));
	for (size_t i = 0; k->fields[i]; i++)
		cJSON_AddStringToObject(fields, k->fields[i], json_str_or(json, k->fields[i], ""));
	return fields;
}

static struct revision *revision_new(const struct kind *k, uint64_t rv, cJSON *json)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)rv);
	json_set_str(json_ensure(json, "metadata"), "resourceVersion", text);
	struct revision *v = must(calloc(1, sizeof(*v)));
	v->refs = 1;
	v->rv = rv;
	v->text = must(cJSON_PrintUnformatted(json));
	v->len = strlen(v->text);
	const cJSON *labels = json_at(json, "metadata.labels");
	v->labels = labels ? cJSON_Duplicate(labels, true) : NULL;
	v->fields = fields_of(k, json);
	return v;
}

/* ---- the ring ---- */

static void change_clear(struct change *c)
{
	store_revision_unref(c->now);
	store_revision_unref(c->before);
	free(c->ns);
	memset(c, 0, sizeof(*c));
}

/* Takes both references. */
static void change_push(enum change_type type, const struct object *o, struct revision *now,
			struct revision *before)
{
	struct change *c = &store.ring[now->rv % STORE_HISTORY];
	change_clear(c);
	*c = (struct change){ type, now->rv, o->kind, must(strdup(o->ns)), now, before };
	if (store.rv - store.oldest >= STORE_HISTORY)
		store.oldest = store.rv - STORE_HISTORY + 1;
	if (store.notify)
		store.notify(c);
}

const struct change *store_change(uint64_t rv)
{
	const struct change *c = &store.ring[rv % STORE_HISTORY];
	return rv >= store.oldest && c->rv == rv && c->now ? c : NULL;
}

uint64_t store_oldest_rv(void)
{
	return store.oldest;
}

void store_compact(void)
{
	for (size_t i = 0; i < STORE_HISTORY; i++)
		change_clear(&store.ring[i]);
	store.oldest = store.rv + 1;
}

uint64_t store_rv(void)
{
	return store.rv;
}

void store_on_change(void (*notify)(const struct change *c))
{
	store.notify = notify;
}

/* ---- shelves ---- */

static int object_compare(const struct object *o, const char *ns, const char *name)
{
	int r = strcmp(o->ns, ns);
	return r ? r : strcmp(o->name, name);
}

/* The first index whose object is not before (ns, name). */
static size_t shelf_lower(const struct shelf *s, const char *ns, const char *name)
{
	size_t low = 0, high = s->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (object_compare(s->items[middle], ns, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t store_range(const struct kind *k, const char *ns, struct object *const **ret)
{
	const struct shelf *s = &store.shelves[kind_index(k)];
	*ret = s->items;
	if (!ns || !ns[0])
		return s->count;
	size_t from = shelf_lower(s, ns, "");
	size_t to = from;
	while (to < s->count && strcmp(s->items[to]->ns, ns) == 0)
		to++;
	*ret = s->items + from;
	return to - from;
}

struct object *store_find(const struct kind *k, const char *ns, const char *name)
{
	const struct shelf *s = &store.shelves[kind_index(k)];
	size_t i = shelf_lower(s, ns ? ns : "", name);
	return i < s->count && object_compare(s->items[i], ns ? ns : "", name) == 0 ? s->items[i]
										    : NULL;
}

static void shelf_insert(struct shelf *s, struct object *o)
{
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 16;
		s->items = must(realloc(s->items, s->room * sizeof(struct object *)));
	}
	size_t at = shelf_lower(s, o->ns, o->name);
	memmove(s->items + at + 1, s->items + at, (s->count - at) * sizeof(struct object *));
	s->items[at] = o;
	s->count++;
}

static void object_free(struct object *o)
{
	store_revision_unref(o->now);
	free(o->ns);
	free(o->name);
	free(o->uid);
	free(o);
}

struct object *store_add(const struct kind *k, const char *ns, const char *name, cJSON *json)
{
	struct object *o = must(calloc(1, sizeof(*o)));
	char uid[UUID_LEN + 1], now[RFC3339_SECONDS_LEN + 1];
	if (uuid_v7(uid, NULL) < 0)
		abort();
	rfc3339_format(time(NULL), now);
	o->kind = k;
	o->ns = must(strdup(k->namespaced ? ns : ""));
	o->name = must(strdup(name));
	o->uid = must(strdup(uid));
	cJSON_DeleteItemFromObjectCaseSensitive(json, "kind");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "apiVersion");
	cJSON *metadata = json_ensure(json, "metadata");
	json_set_str(metadata, "name", name);
	if (k->namespaced)
		json_set_str(metadata, "namespace", ns);
	json_set_str(metadata, "uid", uid);
	json_set_str(metadata, "creationTimestamp", now);
	o->now = revision_new(k, ++store.rv, json);
	cJSON_Delete(json);
	shelf_insert(&store.shelves[kind_index(k)], o);
	change_push(CHANGE_ADDED, o, store_revision_ref(o->now), NULL);
	return o;
}

cJSON *store_json(const struct object *o)
{
	return must(json_parse(o->now->text, o->now->len));
}

bool store_update(struct object *o, cJSON *json)
{
	struct revision *v = revision_new(o->kind, o->now->rv, json);
	if (v->len == o->now->len && memcmp(v->text, o->now->text, v->len) == 0) {
		store_revision_unref(v);
		cJSON_Delete(json);
		return false;
	}
	store_revision_unref(v);
	v = revision_new(o->kind, ++store.rv, json);
	cJSON_Delete(json);
	struct revision *before = o->now;
	o->now = v;
	change_push(CHANGE_MODIFIED, o, store_revision_ref(v), before);
	return true;
}

void store_remove(struct object *o)
{
	struct shelf *s = &store.shelves[kind_index(o->kind)];
	size_t at = shelf_lower(s, o->ns, o->name);
	memmove(s->items + at, s->items + at + 1, (s->count - at - 1) * sizeof(struct object *));
	s->count--;
	_cleanup_(cJSON_Deletep) cJSON *json = store_json(o);
	struct revision *last = revision_new(o->kind, ++store.rv, json);
	change_push(CHANGE_DELETED, o, last, store_revision_ref(o->now));
	object_free(o);
}

/* ---- views ---- */

struct snapshot *store_snapshot(const struct kind *k, const char *ns)
{
	struct object *const *items;
	struct snapshot *s = must(calloc(1, sizeof(*s)));
	s->count = store_range(k, ns, &items);
	s->rv = store.rv;
	s->items = must(calloc(s->count + 1, sizeof(struct revision *)));
	s->keys = must(calloc(s->count + 1, sizeof(char *)));
	for (size_t i = 0; i < s->count; i++) {
		s->items[i] = store_revision_ref(items[i]->now);
		if (asprintf(&s->keys[i], "%s/%s", items[i]->ns, items[i]->name) < 0)
			abort();
	}
	return s;
}

void store_snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; s && i < s->count; i++) {
		store_revision_unref(s->items[i]);
		free(s->keys[i]);
	}
	if (s) {
		free(s->items);
		free(s->keys);
	}
	free(s);
}

void store_render(const struct kind *k, const struct revision *v, struct buf *out)
{
	char api[96];
	kind_api_version(k, api, sizeof(api));
	buf_printf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",", k->kind, api);
	buf_add(out, v->text + 1, v->len - 1);
}

void store_done(void)
{
	store_compact();
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t i = 0; i < store.shelves[k].count; i++)
			object_free(store.shelves[k].items[i]);
		free(store.shelves[k].items);
	}
	memset(store.shelves, 0, sizeof(store.shelves));
}
