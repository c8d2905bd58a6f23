/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patch (RFC 7386), JSON Patch (RFC 6902), and strategic merge as far as maps go. */
#pragma once
#include "k8s/base/error.h"
#include "tools/kubesim/json.h"

enum patch_type { PATCH_MERGE, PATCH_STRATEGIC, PATCH_JSON, PATCH_UNKNOWN };

enum patch_type patch_type(const char *content_type);
/*
 * Changes target in place. -EINVAL: the patch makes no sense (400); -EDOM: a test failed or a path
 * is missing (422).
 */
int patch_apply(enum patch_type type, cJSON *target, const cJSON *patch, struct error *e);
