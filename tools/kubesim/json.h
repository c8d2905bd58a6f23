/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and changing cJSON trees by dotted path ("metadata.name"). Keys with dots in them (labels,
 * annotations) are reached with cJSON's own functions. Everything borrows unless it says takes.
 */
#pragma once
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

cJSON *json_at(const cJSON *o, const char *path);       /* NULL: not there */
const char *json_str(const cJSON *o, const char *path); /* NULL: not there or no string */
const char *json_str_or(const cJSON *o, const char *path, const char *otherwise);
int64_t json_int(const cJSON *o, const char *path, int64_t otherwise);
bool json_true(const cJSON *o, const char *path);
const char *json_member(const cJSON *o, const char *key); /* one key, dots and all */

void json_set(cJSON *o, const char *key, cJSON *value); /* takes value; replaces or adds */
void json_set_str(cJSON *o, const char *key, const char *value);
void json_set_int(cJSON *o, const char *key, int64_t value);
void json_default_str(cJSON *o, const char *key, const char *value); /* only when absent */
cJSON *json_ensure(cJSON *o, const char *key); /* the object at key, made if absent */
cJSON *json_find_named(const cJSON *array, const char *name); /* element whose "name" is name */

void json_add(struct buf *b, const cJSON *o);    /* appended without blanks */
cJSON *json_parse(const char *text, size_t len); /* owned; NULL: no JSON */
