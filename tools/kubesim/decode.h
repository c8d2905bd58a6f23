/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server refuses before it validates: quantities that are none, unknown fields. */
#pragma once
#include "k8s/base/error.h"
#include "tools/kubesim/json.h"
#include "tools/kubesim/kind.h"

/* strict: fieldValidation=Strict, for pods and every kind's metadata. False: e has the text. */
bool decode_check(const struct kind *k, const cJSON *json, bool strict, struct error *e);
