/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validation that weaverfs can run into, with the API server's own words
 * (k8s.io/kubernetes/pkg/apis/core/validation, k8s.io/apimachinery/pkg/util/validation).
 */
#pragma once
#include "tools/kubesim/kind.h"
#include "tools/kubesim/reply.h"

struct validation {
	cJSON *causes;       /* owned array */
	struct buf messages; /* "field: what, field: what" */
};

void validate_done(struct validation *v);
/* "Invalid value: …" and its kin; type is Invalid, Required, Forbidden, NotSupported, … */
void validate_add(struct validation *v, const char *type, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void validate_metadata(struct validation *v, const struct kind *k, const cJSON *json);
void validate_pod(struct validation *v, const cJSON *pod);
void validate_pod_update(struct validation *v, const cJSON *before, const cJSON *after);
/* Answers 422 with all causes when there are any; true: answered. */
bool validate_reply(struct validation *v, struct request *r, const struct kind *k,
		    const char *name);
