/* SPDX-License-Identifier: Apache-2.0 */
/* See fault.h. */
#include "tools/kubesim/fault.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/kubesim/http.h"
#include "tools/kubesim/json.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/route.h"

static cJSON *fault_rules; /* owned array; counts are changed in place */

static void target_of(const struct request *r, struct buf *b)
{
	buf_add_str(b, r->path);
	for (size_t i = 0; i < r->arg_count; i++)
		buf_printf(b, "%c%s=%s", i ? '&' : '?', r->args[i].name, r->args[i].value);
}

static bool rule_matches(const cJSON *rule, const struct request *r, const char *target)
{
	const char *verb = json_str(rule, "verb");
	if (verb && strcasecmp(verb, route_verb(r)) != 0 && strcasecmp(verb, route_method(r)) != 0)
		return false;
	const char *path = json_str(rule, "path");
	return !path || fnmatch(path, target, 0) == 0 || fnmatch(path, r->path, 0) == 0;
}

static void rule_apply(const cJSON *rule, struct fault_state *f)
{
	f->status = (int)json_int(rule, "status", 0);
	f->retry_after = (int)json_int(rule, "retry_after", 0);
	strncpy(f->reason, json_str_or(rule, "reason", ""), sizeof(f->reason) - 1);
	strncpy(f->message, json_str_or(rule, "message", ""), sizeof(f->message) - 1);
	f->text = json_true(rule, "text");
	f->chunk_bytes = (size_t)json_int(rule, "chunk", 0);
	int64_t reset = json_int(rule, "reset_after", -1);
	int64_t stall = json_int(rule, "stall_after", -1);
	f->limited = reset >= 0 || stall >= 0;
	f->reset_at_limit = reset >= 0;
	f->reset_after = (size_t)(reset >= 0 ? reset : stall >= 0 ? stall : 0);
	f->reset = reset == 0;
	f->stalled = reset < 0 && stall == 0;
	f->error_frame = (int)json_int(rule, "error", 0);
	f->end_after_events = (int)json_int(rule, "end_after_events", 0);
	const char *events = json_str_or(rule, "events", "");
	f->events = strcmp(events, "drop") == 0        ? FAULT_EVENTS_DROP
		    : strcmp(events, "duplicate") == 0 ? FAULT_EVENTS_DUPLICATE
		    : strcmp(events, "reorder") == 0   ? FAULT_EVENTS_REORDER
						       : FAULT_EVENTS_NONE;
	f->events_count = (int)json_int(rule, "events_count", 1);
}

int64_t fault_match(struct request *r)
{
	if (!fault_rules || strncmp(r->path, "/_kubesim/", 10) == 0)
		return 0;
	_cleanup_(buf_done) struct buf target = BUF_INIT;
	target_of(r, &target);
	cJSON *rule;
	cJSON_ArrayForEach(rule, fault_rules) {
		if (!rule_matches(rule, r, buf_str(&target)))
			continue;
		int64_t skip = json_int(rule, "skip", 0);
		if (skip > 0) {
			json_set_int(rule, "skip", skip - 1);
			continue;
		}
		int64_t count = json_int(rule, "count", -1);
		if (count == 0)
			continue;
		if (count > 0)
			json_set_int(rule, "count", count - 1);
		json_set_int(rule, "hits", json_int(rule, "hits", 0) + 1);
		rule_apply(rule, &r->fault);
		return json_int(rule, "delay_ms", 0);
	}
	return 0;
}

size_t fault_limit(struct fault_state *f, size_t n)
{
	if (!f->limited)
		return n;
	if (n < f->reset_after) {
		f->reset_after -= n;
		return n;
	}
	n = f->reset_after;
	f->reset_after = 0;
	f->reset = f->reset_at_limit;
	f->stalled = !f->reset_at_limit;
	return n;
}

bool fault_answer(struct request *r)
{
	const struct fault_state *f = &r->fault;
	if (!f->status)
		return false;
	if (f->retry_after) {
		char seconds[16];
		snprintf(seconds, sizeof(seconds), "%d", f->retry_after);
		http_header(r, "Retry-After", seconds);
	}
	const char *message = f->message[0] ? f->message : "injected by kubesim";
	if (f->text) {
		struct buf body = BUF_INIT;
		buf_printf(&body, "%s\n", message);
		http_reply(r, f->status, "text/plain; charset=utf-8", &body);
		return true;
	}
	reply_status(r,
		     &(struct reply_status){ .code = f->status,
					     .reason = f->reason,
					     .retry_after = f->retry_after },
		     "%s", message);
	return true;
}

void fault_serve(struct request *r)
{
	if (r->method == HTTP_PUT || r->method == HTTP_POST) {
		_cleanup_(cJSON_Deletep) cJSON *given = json_parse(buf_str(&r->body), r->body.len);
		cJSON *rules = cJSON_DetachItemFromObjectCaseSensitive(given, "rules");
		if (!cJSON_IsArray(rules)) {
			cJSON_Delete(rules);
			reply_status(r,
				     &(struct reply_status){ .code = 400, .reason = "BadRequest" },
				     "want {\"rules\":[{…}]}");
			return;
		}
		cJSON_Delete(fault_rules);
		fault_rules = rules;
	} else if (r->method == HTTP_DELETE) {
		fault_done();
	}
	struct buf body = BUF_INIT;
	buf_add_str(&body, "{\"rules\":");
	if (fault_rules)
		json_add(&body, fault_rules);
	else
		buf_add_str(&body, "[]");
	buf_add_str(&body, "}\n");
	http_reply(r, 200, "application/json", &body);
}

void fault_done(void)
{
	cJSON_Delete(fault_rules);
	fault_rules = NULL;
}
