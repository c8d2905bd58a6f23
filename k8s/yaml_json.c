/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml loads the document, this turns its nodes into cJSON. Aliases make a small file a large
 * tree, or an endless one: depth and number of values are bounded.
 */
#include "k8s/yaml_json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "k8s/base/cleanup.h"

#define DEPTH_MAX 64
#define VALUES_MAX 20000

struct reader {
	const char *path;
	yaml_document_t *document;
	unsigned depth, values;
};

static void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static int bad(const struct reader *r, yaml_mark_t mark, const char *what, struct error *e)
{
	return error_set(e, EINVAL, "%s:%zu: %s", r->path, mark.line + 1, what);
}

static bool one_of(const char *s, const char *const words[])
{
	for (; *words; words++) {
		if (strcmp(s, *words) == 0)
			return true;
	}
	return false;
}

/* A decimal number of the core schema; strtod() alone would also take "inf", "nan" and hex. */
static bool is_number(const char *s, double *ret)
{
	char *end;

	if (!*s || strspn(s, "0123456789+-.eE") != strlen(s) || !strpbrk(s, "0123456789"))
		return false;
	*ret = strtod(s, &end);
	return !*end && end != s;
}

static cJSON *convert_scalar(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	const char *s = scalar(node);
	double number;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return cJSON_CreateString(s);
	if (one_of(s, nulls))
		return cJSON_CreateNull();
	if (one_of(s, trues))
		return cJSON_CreateTrue();
	if (one_of(s, falses))
		return cJSON_CreateFalse();
	if (is_number(s, &number))
		return cJSON_CreateNumber(number);
	return cJSON_CreateString(s);
}

static int convert(struct reader *r, int index, cJSON **ret, struct error *e);

static int convert_sequence(struct reader *r, const yaml_node_t *node, cJSON *array,
			    struct error *e)
{
	const yaml_node_item_t *item = node->data.sequence.items.start;

	for (; item < node->data.sequence.items.top; item++) {
		cJSON *value;
		int err = convert(r, *item, &value, e);

		if (err < 0)
			return err;
		cJSON_AddItemToArray(array, value);
	}
	return 0;
}

/* The key of a pair; NULL and an error: it is no scalar. */
static const char *key_of(struct reader *r, const yaml_node_pair_t *pair, yaml_mark_t *mark,
			  struct error *e)
{
	const yaml_node_t *key = yaml_document_get_node(r->document, pair->key);

	if (key->type != YAML_SCALAR_NODE) {
		bad(r, key->start_mark, "a key must be plain text", e);
		return NULL;
	}
	*mark = key->start_mark;
	return scalar(key);
}

static int convert_mapping(struct reader *r, const yaml_node_t *node, cJSON *object,
			   struct error *e)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	for (; pair < node->data.mapping.pairs.top; pair++) {
		yaml_mark_t mark;
		const char *key = key_of(r, pair, &mark, e);
		cJSON *value;

		if (!key)
			return -EINVAL;
		if (cJSON_GetObjectItemCaseSensitive(object, key))
			return bad(r, mark, "the same key twice", e);
		int err = convert(r, pair->value, &value, e);
		if (err < 0)
			return err;
		if (!cJSON_AddItemToObject(object, key, value)) {
			cJSON_Delete(value);
			return error_oom(e);
		}
	}
	return 0;
}

/* *ret: owned. */
static int convert(struct reader *r, int index, cJSON **ret, struct error *e)
{
	const yaml_node_t *node = yaml_document_get_node(r->document, index);
	int err = 0;

	if (r->depth >= DEPTH_MAX || r->values >= VALUES_MAX)
		return bad(r, node->start_mark, "nested too deeply, or too many values", e);
	r->values++;
	_cleanup_(cleanup_json) cJSON *json = node->type == YAML_SEQUENCE_NODE ? cJSON_CreateArray()
					      : node->type == YAML_MAPPING_NODE
						      ? cJSON_CreateObject()
						      : convert_scalar(node);
	if (!json)
		return error_oom(e);
	r->depth++;
	if (node->type == YAML_SEQUENCE_NODE)
		err = convert_sequence(r, node, json, e);
	else if (node->type == YAML_MAPPING_NODE)
		err = convert_mapping(r, node, json, e);
	r->depth--;
	if (err < 0)
		return err;
	*ret = move_ptr(&json);
	return 0;
}

static int read_members(struct reader *r, yaml_json_member *member, void *data, struct error *e)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->document);

	if (!root)
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return bad(r, root->start_mark, "this must be a mapping, \"key: value\" a line", e);
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		_cleanup_(cleanup_json) cJSON *value = NULL;
		char where[512];
		yaml_mark_t mark;
		const char *key = key_of(r, pair, &mark, e);

		if (!key)
			return -EINVAL;
		int err = convert(r, pair->value, &value, e);
		if (err < 0)
			return err;
		snprintf(where, sizeof(where), "%s:%zu", r->path, mark.line + 1);
		err = member(data, key, value, where, e);
		if (err < 0)
			return err;
	}
	return 0;
}

int yaml_json_read(const char *path, yaml_json_member *member, void *data, struct error *e)
{
	_cleanup_(cleanup_file) FILE *f = fopen(path, "re");
	yaml_document_t document;
	struct reader r = { .path = path, .document = &document };

	if (!f)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	_cleanup_(yaml_parser_delete) yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		return error_oom(e);
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &document))
		return error_set(e, EINVAL, "%s:%zu: %s", path, parser.problem_mark.line + 1,
				 parser.problem ? parser.problem : "no YAML");
	int err = read_members(&r, member, data, e);
	yaml_document_delete(&document);
	return err;
}

/* 1: there was one; 0: the text is over. */
static int read_document(yaml_parser_t *parser, struct reader *r, cJSON **ret, struct error *e)
{
	if (!yaml_parser_load(parser, r->document))
		return error_set(e, EINVAL, "%s:%zu: %s", r->path, parser->problem_mark.line + 1,
				 parser->problem ? parser->problem : "no YAML");
	int err = 0;
	bool more = yaml_document_get_root_node(r->document) != NULL;
	r->values = 0;
	if (more)
		err = convert(r, 1, ret, e);
	yaml_document_delete(r->document);
	return err < 0 ? err : more;
}

int yaml_json_documents(const char *name, const char *text, size_t len,
			yaml_json_document *document, void *data, struct error *e)
{
	yaml_document_t loaded;
	struct reader r = { .path = name, .document = &loaded };
	_cleanup_(yaml_parser_delete) yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser))
		return error_oom(e);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	for (;;) {
		cJSON *json = NULL;
		int err = read_document(&parser, &r, &json, e);
		if (err <= 0)
			return err;
		if (cJSON_IsNull(json))
			cJSON_Delete(json);
		else
			err = document(data, json, e);
		if (err < 0)
			return err;
	}
}
