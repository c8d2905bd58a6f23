/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server says when it refuses, as errno. The rows were seen on Kubernetes 1.34
 * (reference kubernetes-measured.md §1, §7, §9); types and words are those of
 * k8s.io/apimachinery/pkg/apis/meta/v1 (Status, StatusReason) and pkg/api/errors.
 */
#include "k8s/status.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"

/* No Retry-After of any sense is longer, and it must fit an int. */
#define STATUS_RETRY_AFTER_MAX_S 86400

struct status_row {
	int code;           /* 0: any */
	const char *reason; /* NULL: any; so are the next three */
	const char *cause;
	const char *kind;
	const char *text; /* part of the message */
	int errnum;
	bool retry; /* nothing was changed, and soon it may be accepted */
};

/* The first row that fits decides. */
/* clang-format off */
static const struct status_row status_table[] = {
	/* Admission plugins choose their own code: 400 by default for webhooks, 422 for policies. */
	{ 400, NULL, NULL, NULL, "admission webhook \"",           EPERM, false },
	{ 403, NULL, NULL, NULL, "admission webhook \"",           EPERM, false },
	{ 422, NULL, NULL, NULL, "admission webhook \"",           EPERM, false },
	{ 403, NULL, NULL, NULL, "ValidatingAdmissionPolicy '",    EPERM, false },
	{ 422, NULL, NULL, NULL, "ValidatingAdmissionPolicy '",    EPERM, false },

	{ 400, NULL, NULL, NULL, NULL,                             EINVAL, false },
	{ 401, NULL, NULL, NULL, NULL,                             EACCES, false },

	{ 403, NULL, "NamespaceTerminating", NULL, NULL,           EROFS, false },
	{ 403, "Forbidden", NULL, NULL, "because it is being terminated", EROFS, false },
	{ 403, "Forbidden", NULL, NULL, "exceeded quota:",         EDQUOT, false },
	{ 403, "Forbidden", NULL, NULL, "failed quota:",           EDQUOT, false },
	{ 403, "Forbidden", NULL, NULL, "violates PodSecurity",    EPERM, false },
	/* A fresh namespace: its service account is made a moment later. */
	{ 403, "Forbidden", NULL, NULL, "error looking up service account", EBUSY, true },
	{ 403, "Forbidden", NULL, NULL, "User \"",                 EACCES, false },
	/* LimitRanger and other admission plugins; without a reason it is a proxy's. */
	{ 403, "Forbidden", NULL, NULL, NULL,                      EPERM, false },
	{ 403, NULL, NULL, NULL, NULL,                             EACCES, false },

	{ 404, NULL, NULL, NULL, NULL,                             ENOENT, false },
	{ 405, NULL, NULL, NULL, NULL,                             EOPNOTSUPP, false },
	{ 406, NULL, NULL, NULL, NULL,                             EPROTO, false },
	{ 408, NULL, NULL, NULL, NULL,                             ETIMEDOUT, false },

	{ 409, "AlreadyExists", NULL, NULL, "object is being deleted:", EBUSY, false },
	{ 409, "AlreadyExists", NULL, NULL, NULL,                  EEXIST, false },
	/* Creations that raced for the quota's own counter (kubernetes/kubernetes#67761). */
	{ 409, "Conflict", NULL, "resourcequotas", NULL,           EBUSY, true },
	{ 409, NULL, NULL, NULL, NULL,                             EBUSY, false },

	{ 410, NULL, NULL, NULL, NULL,                             ESTALE, false },
	{ 413, NULL, NULL, NULL, NULL,                             EFBIG, false },
	{ 415, NULL, NULL, NULL, NULL,                             EPROTO, false },
	{ 422, NULL, NULL, NULL, NULL,                             EINVAL, false },
	{ 429, NULL, NULL, NULL, NULL,                             EBUSY, true },
	{ 504, NULL, NULL, NULL, NULL,                             ETIMEDOUT, false },
	{ 0,   NULL, NULL, NULL, NULL,                             EIO, false },
};
/* clang-format on */

static bool status_row_fits(const struct status_row *row, const struct status *s)
{
	return (row->code == 0 || row->code == s->code) &&
	       (!row->reason || strcmp(row->reason, s->reason) == 0) &&
	       (!row->cause || strcmp(row->cause, s->cause) == 0) &&
	       (!row->kind || strcmp(row->kind, s->kind) == 0) &&
	       (!row->text || strstr(s->message, row->text));
}

static const struct status_row *status_row_find(const struct status *s)
{
	const struct status_row *row = status_table;

	while (!status_row_fits(row, s))
		row++;
	return row;
}

/* Cuts at size - 1 bytes, not inside a UTF-8 sequence. */
static void status_copy(char *out, size_t size, const char *s, size_t len)
{
	if (len > size - 1) {
		len = size - 1;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, s, len);
	out[len] = '\0';
}

static void status_copy_escaped(char *out, size_t size, const char *s, size_t len)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	/* Escaping never shortens, so more input than this cannot show. */
	if (len > size)
		len = size;
	buf_add_escaped(&b, s, len);
	status_copy(out, size, buf_str(&b), b.len);
}

static void status_copy_member(char *out, size_t size, const cJSON *object, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	if (cJSON_IsString(v))
		status_copy_escaped(out, size, v->valuestring, strlen(v->valuestring));
}

static void status_read_details(struct status *s, const cJSON *details)
{
	const cJSON *after = cJSON_GetObjectItemCaseSensitive(details, "retryAfterSeconds");
	const cJSON *cause;

	status_copy_member(s->kind, sizeof(s->kind), details, "kind");
	if (cJSON_IsNumber(after) && after->valuedouble > 0)
		s->retry_after_s = after->valuedouble < STATUS_RETRY_AFTER_MAX_S
					   ? after->valueint
					   : STATUS_RETRY_AFTER_MAX_S;
	cJSON_ArrayForEach(cause, cJSON_GetObjectItemCaseSensitive(details, "causes")) {
		if (s->cause[0] == '\0')
			status_copy_member(s->cause, sizeof(s->cause), cause, "reason");
	}
}

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* Whether it was a Status. */
static bool status_read_json(struct status *s, const char *body, size_t len)
{
	_cleanup_(cleanup_json) cJSON *json = cJSON_ParseWithLength(body, len);
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(json, "kind");

	if (!cJSON_IsString(kind) || strcmp(kind->valuestring, "Status") != 0)
		return false;
	status_copy_member(s->reason, sizeof(s->reason), json, "reason");
	status_copy_member(s->message, sizeof(s->message), json, "message");
	status_read_details(s, cJSON_GetObjectItemCaseSensitive(json, "details"));
	if (s->message[0] == '\0')
		status_copy(s->message, sizeof(s->message), s->reason, strlen(s->reason));
	return true;
}

void status_parse(struct status *s, int http, const char *body, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->code = http;
	if (!status_read_json(s, body, len)) {
		while (len > 0 && strchr(" \t\r\n", body[len - 1]))
			len--;
		status_copy_escaped(s->message, sizeof(s->message), body, len);
	}
	if (s->message[0] == '\0')
		snprintf(s->message, sizeof(s->message),
			 "the server answered HTTP %d without a word", http);
}

int status_errno(const struct status *s)
{
	return status_row_find(s)->errnum;
}

int status_error(const struct status *s, struct error *e)
{
	return error_set(e, status_errno(s), "%s", s->message);
}

/*
 * 503 with a time is the apiserver shedding load before it looks at the request; 500 and 504 also
 * come after a write whose outcome etcd did not tell.
 */
bool status_retryable(const struct status *s)
{
	return status_row_find(s)->retry || (s->code == 503 && s->retry_after_s > 0);
}
