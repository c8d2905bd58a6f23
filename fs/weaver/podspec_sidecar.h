/* SPDX-License-Identifier: Apache-2.0 */
/* The audit sidecar's part of the Pod. Private to podspec.c. */
#pragma once
#include "fs/weaver/podspec.h"

struct cJSON;

/* Adds the native sidecar and its volumes to a Pod's spec. 0 or -ENOMEM. */
int podspec_sidecar_add(struct cJSON *spec, const struct podspec_identity *id,
			const struct config *config);
