/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml does the parsing and resolves anchors; what is left is walking its tree. An alias may
 * point to a node that contains it, so nothing here descends without a bound.
 */
#include "k8s/kubeconfig_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/cluster_private.h"

#define KUBECONFIG_YAML_DEPTH 64

static void cleanup_parser(yaml_parser_t **parser)
{
	yaml_parser_delete(*parser);
}

static int kubeconfig_yaml_syntax_error(const struct kubeconfig_yaml *y,
					const yaml_parser_t *parser, struct error *e)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return error_oom(e);
	/* The reader (bytes that are no UTF-8) knows an offset alone. */
	if (parser->error == YAML_READER_ERROR)
		return error_set(e, EINVAL, "%s: byte %zu: %s", y->path, parser->problem_offset,
				 parser->problem ? parser->problem : "malformed YAML");
	return error_set(e, EINVAL, "%s:%zu:%zu: %s%s%s", y->path, parser->problem_mark.line + 1,
			 parser->problem_mark.column + 1,
			 parser->problem ? parser->problem : "malformed YAML",
			 parser->context ? " " : "", parser->context ? parser->context : "");
}

int kubeconfig_yaml_parse(struct kubeconfig_yaml *y, const char *path, const char *text, size_t len,
			  struct error *e)
{
	yaml_parser_t parser_memory;

	*y = (struct kubeconfig_yaml){ .path = strdup(path) };
	if (!y->path || !yaml_parser_initialize(&parser_memory))
		return error_oom(e);
	_cleanup_(cleanup_parser) yaml_parser_t *parser = &parser_memory;
	yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(parser, &y->document))
		return kubeconfig_yaml_syntax_error(y, parser, e);
	y->loaded = true;
	return 0;
}

int kubeconfig_yaml_read(struct kubeconfig_yaml *y, const char *path, struct error *e)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	*y = (struct kubeconfig_yaml){ 0 };
	int r = auth_read_file(path, &text, e);
	if (r < 0)
		return r;
	return kubeconfig_yaml_parse(y, path, buf_str(&text), text.len, e);
}

void kubeconfig_yaml_done(struct kubeconfig_yaml *y)
{
	if (y->loaded)
		yaml_document_delete(&y->document);
	free(y->path);
	*y = (struct kubeconfig_yaml){ 0 };
}

int kubeconfig_yaml_error(const struct kubeconfig_yaml *y, const yaml_node_t *node, struct error *e,
			  const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return error_set(e, EINVAL, "%s:%zu:%zu: %s", y->path, node->start_mark.line + 1,
			 node->start_mark.column + 1, buf_str(&text));
}

yaml_node_t *kubeconfig_yaml_root(struct kubeconfig_yaml *y)
{
	return yaml_document_get_root_node(&y->document);
}

yaml_node_t *kubeconfig_yaml_item(struct kubeconfig_yaml *y, const yaml_node_t *list, size_t i)
{
	if (!list || list->type != YAML_SEQUENCE_NODE)
		return NULL;
	const yaml_node_item_t *items = list->data.sequence.items.start;
	if (i >= (size_t)(list->data.sequence.items.top - items))
		return NULL;
	return yaml_document_get_node(&y->document, items[i]);
}

static const char *kubeconfig_yaml_scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool kubeconfig_yaml_is_null(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	const char *s = kubeconfig_yaml_scalar(node);
	return s[0] == '\0' || strcmp(s, "~") == 0 || strcasecmp(s, "null") == 0;
}

int kubeconfig_yaml_get(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			yaml_node_t **ret, struct error *e)
{
	*ret = NULL;
	if (!map || kubeconfig_yaml_is_null(map))
		return 0;
	if (map->type != YAML_MAPPING_NODE)
		return kubeconfig_yaml_error(y, map, e, "expected a mapping with `%s`", key);
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(&y->document, p->key);
		if (k->type != YAML_SCALAR_NODE || strcmp(kubeconfig_yaml_scalar(k), key) != 0)
			continue;
		yaml_node_t *value = yaml_document_get_node(&y->document, p->value);
		if (!kubeconfig_yaml_is_null(value))
			*ret = value;
		return 0;
	}
	return 0;
}

static int kubeconfig_yaml_typed(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
				 yaml_node_type_t type, const char *name, yaml_node_t **ret,
				 struct error *e)
{
	yaml_node_t *node;

	*ret = NULL;
	int r = kubeconfig_yaml_get(y, map, key, &node, e);
	if (r < 0)
		return r;
	if (node && node->type != type)
		return kubeconfig_yaml_error(y, node, e, "%s: expected %s", key, name);
	*ret = node;
	return 0;
}

int kubeconfig_yaml_list(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			 yaml_node_t **ret, struct error *e)
{
	return kubeconfig_yaml_typed(y, map, key, YAML_SEQUENCE_NODE, "a list", ret, e);
}

int kubeconfig_yaml_map(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			yaml_node_t **ret, struct error *e)
{
	return kubeconfig_yaml_typed(y, map, key, YAML_MAPPING_NODE, "a mapping", ret, e);
}

int kubeconfig_yaml_string(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			   const char **ret, struct error *e)
{
	yaml_node_t *node;

	*ret = NULL;
	int r = kubeconfig_yaml_typed(y, map, key, YAML_SCALAR_NODE, "a text", &node, e);
	if (r < 0 || !node)
		return r;
	/* As Go has it: an empty text is none. */
	const char *s = kubeconfig_yaml_scalar(node);
	if (strlen(s) != node->data.scalar.length)
		return kubeconfig_yaml_error(y, node, e, "%s: holds a NUL byte", key);
	if (s[0] != '\0')
		*ret = s;
	return 0;
}

int kubeconfig_yaml_bool(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			 bool *ret, struct error *e)
{
	yaml_node_t *node;

	*ret = false;
	int r = kubeconfig_yaml_get(y, map, key, &node, e);
	if (r < 0 || !node)
		return r;
	if (node->type == YAML_SCALAR_NODE) {
		const char *s = kubeconfig_yaml_scalar(node);
		*ret = strcasecmp(s, "true") == 0;
		if (*ret || strcasecmp(s, "false") == 0)
			return 0;
	}
	return kubeconfig_yaml_error(y, node, e, "%s: expected true or false", key);
}

/* A plain scalar that JSON would take for a number, true or false is one. */
static bool kubeconfig_yaml_is_literal(const yaml_node_t *node)
{
	const char *s = kubeconfig_yaml_scalar(node);

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
		return true;
	if (*s == '-')
		s++;
	size_t digits = strspn(s, "0123456789");
	return digits > 0 && digits < 16 && s[digits] == '\0' && (digits == 1 || s[0] != '0');
}

static void kubeconfig_yaml_json_scalar(const yaml_node_t *node, struct buf *out)
{
	if (kubeconfig_yaml_is_null(node))
		buf_add_str(out, "null");
	else if (kubeconfig_yaml_is_literal(node))
		buf_add_str(out, kubeconfig_yaml_scalar(node));
	else
		buf_add_json(out, kubeconfig_yaml_scalar(node), node->data.scalar.length);
}

static int kubeconfig_yaml_json_at(struct kubeconfig_yaml *y, const yaml_node_t *node, int depth,
				   struct buf *out, struct error *e);

static int kubeconfig_yaml_json_list(struct kubeconfig_yaml *y, const yaml_node_t *node, int depth,
				     struct buf *out, struct error *e)
{
	int r = 0;

	buf_add_char(out, '[');
	for (size_t i = 0; r == 0 && kubeconfig_yaml_item(y, node, i); i++) {
		if (i > 0)
			buf_add_char(out, ',');
		r = kubeconfig_yaml_json_at(y, kubeconfig_yaml_item(y, node, i), depth + 1, out, e);
	}
	buf_add_char(out, ']');
	return r;
}

static int kubeconfig_yaml_json_map(struct kubeconfig_yaml *y, const yaml_node_t *node, int depth,
				    struct buf *out, struct error *e)
{
	int r = 0;

	buf_add_char(out, '{');
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     r == 0 && p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&y->document, p->key);
		if (key->type != YAML_SCALAR_NODE)
			return kubeconfig_yaml_error(y, key, e, "expected a text as key");
		if (p > node->data.mapping.pairs.start)
			buf_add_char(out, ',');
		buf_add_json(out, kubeconfig_yaml_scalar(key), key->data.scalar.length);
		buf_add_char(out, ':');
		r = kubeconfig_yaml_json_at(y, yaml_document_get_node(&y->document, p->value),
					    depth + 1, out, e);
	}
	buf_add_char(out, '}');
	return r;
}

static int kubeconfig_yaml_json_at(struct kubeconfig_yaml *y, const yaml_node_t *node, int depth,
				   struct buf *out, struct error *e)
{
	/* Aliases of aliases grow without bound in width, too. */
	if (depth > KUBECONFIG_YAML_DEPTH || out->len > (1U << 20))
		return kubeconfig_yaml_error(y, node, e, "nested too deep, or too large");
	if (node->type == YAML_SEQUENCE_NODE)
		return kubeconfig_yaml_json_list(y, node, depth, out, e);
	if (node->type == YAML_MAPPING_NODE)
		return kubeconfig_yaml_json_map(y, node, depth, out, e);
	kubeconfig_yaml_json_scalar(node, out);
	return 0;
}

int kubeconfig_yaml_json(struct kubeconfig_yaml *y, const yaml_node_t *node, struct buf *out,
			 struct error *e)
{
	return kubeconfig_yaml_json_at(y, node, 0, out, e);
}

char *kubeconfig_yaml_path(const struct kubeconfig_yaml *y, const char *value)
{
	const char *slash = strrchr(y->path, '/');
	char *path;

	if (value[0] == '/' || !slash)
		return strdup(value);
	if (asprintf(&path, "%.*s/%s", (int)(slash - y->path), y->path, value) < 0)
		return NULL;
	return path;
}
