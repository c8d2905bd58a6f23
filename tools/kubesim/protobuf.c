/* SPDX-License-Identifier: Apache-2.0 */
/* See protobuf.h. Field numbers are those of the generated.proto files of k8s.io/api v0.34. */
#include "tools/kubesim/protobuf.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum field_type {
	F_STRING,
	F_BYTES,
	F_INT,
	F_BOOL,
	F_MESSAGE,
	F_LIST,
	F_STRINGS,
	F_MAP,
	F_BYTES_MAP,
	F_QUANTITY_MAP
};

struct field {
	unsigned number;
	const char *name;
	enum field_type type;
	const struct field *message; /* of F_MESSAGE and F_LIST */
};

/* clang-format off */
static const struct field owner_fields[] = {
	{ 1, "kind", F_STRING }, { 3, "name", F_STRING }, { 4, "uid", F_STRING },
	{ 5, "apiVersion", F_STRING }, { 6, "controller", F_BOOL },
	{ 7, "blockOwnerDeletion", F_BOOL }, { 0 }
};
static const struct field metadata_fields[] = {
	{ 1, "name", F_STRING }, { 2, "generateName", F_STRING }, { 3, "namespace", F_STRING },
	{ 5, "uid", F_STRING }, { 6, "resourceVersion", F_STRING }, { 11, "labels", F_MAP },
	{ 12, "annotations", F_MAP }, { 13, "ownerReferences", F_LIST, owner_fields },
	{ 14, "finalizers", F_STRINGS }, { 0 }
};
static const struct field plain_fields[] = {
	{ 1, "metadata", F_MESSAGE, metadata_fields }, { 0 }
};
static const struct field secret_fields[] = {
	{ 1, "metadata", F_MESSAGE, metadata_fields }, { 2, "data", F_BYTES_MAP },
	{ 3, "type", F_STRING }, { 4, "stringData", F_MAP }, { 5, "immutable", F_BOOL }, { 0 }
};
static const struct field configmap_fields[] = {
	{ 1, "metadata", F_MESSAGE, metadata_fields }, { 2, "data", F_MAP },
	{ 3, "binaryData", F_BYTES_MAP }, { 4, "immutable", F_BOOL }, { 0 }
};
static const struct field quota_spec_fields[] = {
	{ 1, "hard", F_QUANTITY_MAP }, { 2, "scopes", F_STRINGS }, { 0 }
};
static const struct field quota_fields[] = {
	{ 1, "metadata", F_MESSAGE, metadata_fields }, { 2, "spec", F_MESSAGE, quota_spec_fields }, { 0 }
};
static const struct field precondition_fields[] = {
	{ 1, "uid", F_STRING }, { 2, "resourceVersion", F_STRING }, { 0 }
};
static const struct field delete_fields[] = {
	{ 1, "gracePeriodSeconds", F_INT }, { 2, "preconditions", F_MESSAGE, precondition_fields },
	{ 4, "propagationPolicy", F_STRING }, { 0 }
};
static const struct field type_fields[] = {
	{ 1, "apiVersion", F_STRING }, { 2, "kind", F_STRING }, { 0 }
};
/* clang-format on */

static const struct {
	const char *kind;
	const struct field *fields;
} schemas[] = {
	{ "Namespace", plain_fields },     { "ServiceAccount", plain_fields },
	{ "Secret", secret_fields },       { "ConfigMap", configmap_fields },
	{ "ResourceQuota", quota_fields }, { "DeleteOptions", delete_fields },
};

struct reader {
	const uint8_t *at, *end;
	bool bad;
};

struct item {
	unsigned number;
	uint64_t value;      /* of a varint */
	struct reader bytes; /* of a length-delimited field */
};

static uint64_t varint(struct reader *r)
{
	uint64_t value = 0;
	for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	r->bad = true;
	return 0;
}

/* The next field; false at the end or at what is no protobuf (r->bad). */
static bool next(struct reader *r, struct item *ret)
{
	if (r->at >= r->end || r->bad)
		return false;
	uint64_t tag = varint(r);
	*ret = (struct item){ .number = (unsigned)(tag >> 3) };
	uint64_t n = (tag & 7) == 1 ? 8 : (tag & 7) == 5 ? 4 : 0;
	if ((tag & 7) == 0) {
		ret->value = varint(r);
		return !r->bad;
	}
	if ((tag & 7) == 2)
		n = varint(r);
	else if (n == 0)
		r->bad = true;
	if (r->bad || n > (uint64_t)(r->end - r->at)) {
		r->bad = true;
		return false;
	}
	ret->bytes = (struct reader){ r->at, r->at + n, false };
	r->at += n;
	return true;
}

static cJSON *text_of(struct reader bytes, bool base64)
{
	size_t n = (size_t)(bytes.end - bytes.at);
	char *text = calloc(1, n / 3 * 4 + n + 8);
	if (!text)
		return NULL;
	if (base64)
		EVP_EncodeBlock((unsigned char *)text, bytes.at, (int)n);
	else if (n)
		memcpy(text, bytes.at, n);
	cJSON *o = cJSON_CreateString(text);
	free(text);
	return o;
}

static void map_add(cJSON *map, struct reader entry, enum field_type type)
{
	struct item i, inner;
	cJSON *key = NULL, *value = NULL;
	while (next(&entry, &i)) {
		if (i.number == 1 && !key)
			key = text_of(i.bytes, false);
		else if (i.number == 2 && !value && type == F_QUANTITY_MAP)
			value = next(&i.bytes, &inner) ? text_of(inner.bytes, false) : NULL;
		else if (i.number == 2 && !value)
			value = text_of(i.bytes, type == F_BYTES_MAP);
	}
	if (key)
		json_set(map, key->valuestring, value ? value : cJSON_CreateString(""));
	else
		cJSON_Delete(value);
	cJSON_Delete(key);
}

static cJSON *array_at(cJSON *o, const char *key)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key);
	return list ? list : cJSON_AddArrayToObject(o, key);
}

static void message_read(struct reader *r, const struct field *fields, cJSON *into, int depth);

static void field_read(const struct field *f, struct item *i, cJSON *into, int depth)
{
	cJSON *child;
	switch (f->type) {
	case F_STRING:
	case F_BYTES:
		if (i->bytes.end > i->bytes.at)
			json_set(into, f->name, text_of(i->bytes, f->type == F_BYTES));
		return;
	case F_INT:
		json_set_int(into, f->name, (int64_t)i->value);
		return;
	case F_BOOL:
		json_set(into, f->name, cJSON_CreateBool(i->value != 0));
		return;
	case F_STRINGS:
		cJSON_AddItemToArray(array_at(into, f->name), text_of(i->bytes, false));
		return;
	case F_MESSAGE:
		message_read(&i->bytes, f->message, json_ensure(into, f->name), depth + 1);
		return;
	case F_LIST:
		child = cJSON_CreateObject();
		message_read(&i->bytes, f->message, child, depth + 1);
		cJSON_AddItemToArray(array_at(into, f->name), child);
		return;
	case F_MAP:
	case F_BYTES_MAP:
	case F_QUANTITY_MAP:
	default:
		map_add(json_ensure(into, f->name), i->bytes, f->type);
	}
}

static void message_read(struct reader *r, const struct field *fields, cJSON *into, int depth)
{
	struct item i;
	while (depth < 8 && next(r, &i))
		for (const struct field *f = fields; f->number; f++)
			if (f->number == i.number)
				field_read(f, &i, into, depth);
}

bool protobuf_is(const char *content_type)
{
	return strncmp(content_type, "application/vnd.kubernetes.protobuf", 35) == 0;
}

cJSON *protobuf_read(const void *data, size_t len)
{
	static const uint8_t magic[4] = { 'k', '8', 's', 0 };
	if (len < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
		return NULL;
	struct reader r = { (const uint8_t *)data + sizeof(magic), (const uint8_t *)data + len,
			    false };
	struct reader raw = { NULL, NULL, false };
	_cleanup_(cJSON_Deletep) cJSON *o = cJSON_CreateObject();
	struct item i;
	while (next(&r, &i)) {
		if (i.number == 1)
			message_read(&i.bytes, type_fields, o, 0);
		else if (i.number == 2)
			raw = i.bytes;
	}
	const char *kind = json_str_or(o, "kind", "");
	for (size_t n = 0; n < ARRAY_SIZE(schemas) && !r.bad; n++) {
		if (strcmp(schemas[n].kind, kind) != 0)
			continue;
		message_read(&raw, schemas[n].fields, o, 0);
		return raw.bad ? NULL : move_ptr(&o);
	}
	return NULL;
}
