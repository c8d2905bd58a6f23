/* SPDX-License-Identifier: Apache-2.0 */
/* See reply.h. */
#include "tools/kubesim/reply.h"

#include <stdarg.h>
#include <string.h>

void reply_json(struct request *r, int code, cJSON *o)
{
	struct buf body = BUF_INIT;
	json_add(&body, o);
	buf_add_char(&body, '\n');
	cJSON_Delete(o);
	http_reply(r, code, "application/json", &body);
}

void reply_text(struct request *r, int code, const char *type, const char *text)
{
	struct buf body = BUF_INIT;
	buf_add_str(&body, text);
	http_reply(r, code, type, &body);
}

cJSON *reply_status_object(const struct reply_status *s, const char *message)
{
	cJSON *o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "kind", "Status");
	cJSON_AddStringToObject(o, "apiVersion", "v1");
	cJSON_AddObjectToObject(o, "metadata");
	cJSON_AddStringToObject(o, "status", s->code < 300 ? "Success" : "Failure");
	if (message[0])
		cJSON_AddStringToObject(o, "message", message);
	if (s->reason && s->reason[0])
		cJSON_AddStringToObject(o, "reason", s->reason);
	if (s->kind || s->name || s->causes || s->retry_after) {
		cJSON *details = cJSON_AddObjectToObject(o, "details");
		if (s->name)
			cJSON_AddStringToObject(details, "name", s->name);
		if (s->group && s->group[0])
			cJSON_AddStringToObject(details, "group", s->group);
		if (s->kind)
			cJSON_AddStringToObject(details, "kind", s->kind);
		if (s->uid)
			cJSON_AddStringToObject(details, "uid", s->uid);
		if (s->causes)
			cJSON_AddItemToObject(details, "causes", s->causes);
		if (s->retry_after)
			cJSON_AddNumberToObject(details, "retryAfterSeconds", s->retry_after);
	}
	if (s->code >= 300)
		cJSON_AddNumberToObject(o, "code", s->code);
	return o;
}

void reply_status(struct request *r, const struct reply_status *s, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf message = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	reply_json(r, s->code, reply_status_object(s, buf_str(&message)));
}

void reply_not_found(struct request *r, const char *plural, const char *name)
{
	reply_status(r, &(struct reply_status){ 404, "NotFound", plural, name },
		     "%s \"%s\" not found", plural, name);
}

void reply_bad_request(struct request *r, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf message = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	reply_status(r, &(struct reply_status){ 400, "BadRequest" }, "%s", buf_str(&message));
}

void reply_conflict(struct request *r, const char *plural, const char *name, const char *message)
{
	reply_status(r, &(struct reply_status){ 409, "Conflict", plural, name },
		     "Operation cannot be fulfilled on %s \"%s\": %s", plural, name, message);
}

void reply_method(struct request *r)
{
	reply_status(r, &(struct reply_status){ 405, "MethodNotAllowed" },
		     "the server does not allow this method on the requested resource");
}
