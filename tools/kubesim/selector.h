/* SPDX-License-Identifier: Apache-2.0 */
/* Label selectors (=, ==, !=, in, notin, key, !key) and field selectors (=, ==, !=). */
#pragma once
#include <stdbool.h>

#include "k8s/base/error.h"
#include "tools/kubesim/json.h"

struct selector; /* NULL matches everything */

/* text NULL or "" gives NULL. -EINVAL with the reason. */
int selector_parse(const char *text, struct selector **ret, struct error *e);
void selector_free(struct selector *s);
DEFINE_CLEANUP(struct selector *, selector_free)
/* values: an object of strings (labels; or flattened fields). NULL counts as empty. */
bool selector_matches(const struct selector *s, const cJSON *values);
/* The first key that is none of allowed (NULL-terminated), or NULL: all are. Borrowed from s. */
const char *selector_unknown_key(const struct selector *s, const char *const *allowed);
