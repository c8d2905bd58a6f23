/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML file as libyaml's document tree, with readers that say file, line and column when
 * something is not what it should be. Nodes and strings are borrowed until kubeconfig_yaml_done().
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct kubeconfig_yaml {
	char *path; /* owned */
	yaml_document_t document;
	bool loaded; /* document is to be deleted */
};

int kubeconfig_yaml_read(struct kubeconfig_yaml *y, const char *path, struct error *e);
int kubeconfig_yaml_parse(struct kubeconfig_yaml *y, const char *path, const char *text, size_t len,
			  struct error *e);
void kubeconfig_yaml_done(struct kubeconfig_yaml *y);

/* Sets e to "FILE:LINE:COLUMN: <fmt>"; returns -EINVAL. */
int kubeconfig_yaml_error(const struct kubeconfig_yaml *y, const yaml_node_t *node, struct error *e,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

yaml_node_t *kubeconfig_yaml_root(struct kubeconfig_yaml *y); /* NULL: an empty file */
/* The i-th item of a list; NULL: past its end, or no list. */
yaml_node_t *kubeconfig_yaml_item(struct kubeconfig_yaml *y, const yaml_node_t *list, size_t i);
/* The value of a key, *ret NULL where it is missing or null. -EINVAL where map is no mapping. */
int kubeconfig_yaml_get(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			yaml_node_t **ret, struct error *e);
/* The same, and the value must be a list, a mapping, a text, true or false. */
int kubeconfig_yaml_list(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			 yaml_node_t **ret, struct error *e);
int kubeconfig_yaml_map(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			yaml_node_t **ret, struct error *e);
int kubeconfig_yaml_string(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			   const char **ret, struct error *e);
int kubeconfig_yaml_bool(struct kubeconfig_yaml *y, const yaml_node_t *map, const char *key,
			 bool *ret, struct error *e);
/* Any value as JSON. -EINVAL: nested more than 64 deep. */
int kubeconfig_yaml_json(struct kubeconfig_yaml *y, const yaml_node_t *node, struct buf *out,
			 struct error *e);
/* value, or value under the directory of the file it stands in. Returns owned; NULL: OOM. */
char *kubeconfig_yaml_path(const struct kubeconfig_yaml *y, const char *value);
