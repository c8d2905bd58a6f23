/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small YAML files (an operator's settings, our manifests) as JSON values. Plain scalars have
 * the types of YAML's core schema (YAML 1.2.2, §10.3); quoted ones are strings.
 */
#pragma once
#include <stddef.h>

#include "k8s/base/error.h"

struct cJSON;

/*
 * A member of the mapping that the file is. value: borrowed; where: "file:line" of the key. < 0
 * ends reading with that error.
 */
typedef int yaml_json_member(void *data, const char *key, struct cJSON *value, const char *where,
			     struct error *e);

/* Calls member() in the file's order. -ENOENT and other errors of open(2), -EINVAL: malformed; an
 * empty file has no members. */
int yaml_json_read(const char *path, yaml_json_member *member, void *data, struct error *e);

/* One document; takes it. < 0 ends reading with that error. */
typedef int yaml_json_document(void *data, struct cJSON *document, struct error *e);

/* Calls document() for each that text holds; empty ones are left out. name is for errors. */
int yaml_json_documents(const char *name, const char *text, size_t len,
			yaml_json_document *document, void *data, struct error *e);
