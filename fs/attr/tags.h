/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: the annotation loom.dev/tags, a JSON object of strings, as key=value lines. Pure.
 */
#pragma once
#include "fs/weaver/podspec_pairs.h"

/* For podspec_pairs_rules: not empty, no control characters. */
int tags_check_key(const char *what, const char *key, struct error *e);
/* -EINVAL: more than what annotations hold. */
int tags_check_size(const struct podspec_pair *items, size_t n, struct error *e);
/* The strings of an annotation; anything else in it, or no JSON at all, is left out. json may be
 * NULL. -ENOMEM, -E2BIG. */
int tags_parse(const char *json, struct podspec_pairs *ret);
/* Owned; NULL: out of memory. */
char *tags_json(const struct podspec_pair *items, size_t n);
