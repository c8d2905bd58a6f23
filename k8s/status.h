/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metav1.Status → errno: one table, decided on reason, then cause, then code; message text only
 * where the server gives nothing else (quota, Pod Security, RBAC). Contract: filesystem.md §3.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "k8s/base/error.h"

struct status {
	int code;          /* HTTP */
	char reason[64];   /* "AlreadyExists"; "" where the body was no Status */
	char kind[32];     /* details.kind: 404 of kind "pods/log" is not one of "pods" */
	char cause[64];    /* reason of the first cause: "NamespaceTerminating" */
	int retry_after_s; /* details.retryAfterSeconds; the header wins; 0: none */
	char message[768]; /* the server's own words, control characters escaped */
};

/* Reads a Status object, or any text a proxy may have sent. Never fails. */
void status_parse(struct status *s, int http, const char *body, size_t len);
/* The errno (positive) of the table; EIO where nothing fits. */
int status_errno(const struct status *s);
/* Sets e to that errno and "<message>". Returns -errno. */
int status_error(const struct status *s, struct error *e);
/* A definite rejection that may be tried again soon: nothing was changed by the request. */
bool status_retryable(const struct status *s);
