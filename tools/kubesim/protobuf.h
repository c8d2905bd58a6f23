/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies in Kubernetes' protobuf (k8s.io/apimachinery/pkg/runtime/serializer/protobuf):
 * kubectl's typed commands (create namespace, secret, configmap, quota) send nothing else. Answers
 * are JSON, which those clients take.
 */
#pragma once
#include "tools/kubesim/json.h"

bool protobuf_is(const char *content_type);
/* The object with its kind and apiVersion; only the fields of the schema's table. NULL: malformed
 * or a kind that has no table. Returns owned. */
cJSON *protobuf_read(const void *data, size_t len);
