/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in Kubernetes' form: objects, and Status for everything that went wrong
 * (k8s.io/apimachinery/pkg/api/errors). Each function answers the request.
 */
#pragma once
#include "tools/kubesim/http.h"
#include "tools/kubesim/json.h"

struct reply_status {
	int code;
	const char *reason;                    /* "" or NULL: none */
	const char *kind, *name, *uid, *group; /* details; NULL: none */
	cJSON *causes;                         /* takes; NULL: none */
	int retry_after;                       /* details.retryAfterSeconds; 0: none */
};

/* Takes o; the body is printed and o is deleted. */
void reply_json(struct request *r, int code, cJSON *o);
void reply_text(struct request *r, int code, const char *type, const char *text);
void reply_status(struct request *r, const struct reply_status *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The Status object itself, for ERROR frames. Returns owned. */
cJSON *reply_status_object(const struct reply_status *s, const char *message);

void reply_not_found(struct request *r, const char *plural, const char *name);
void reply_bad_request(struct request *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void reply_conflict(struct request *r, const char *plural, const char *name, const char *message);
void reply_method(struct request *r);
