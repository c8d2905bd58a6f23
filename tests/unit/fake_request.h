/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a test answers itself, in place of k8s/request.c. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/list.h"
#include "k8s/request.h"

struct request {
	struct list node;
	struct request_spec spec;
	char path[256], body[512];
};
static struct list fake_requests = LIST_INIT(fake_requests); /* out now, oldest first */
static unsigned fake_requests_made;

struct request *request_start(struct client *c, const struct request_spec *spec)
{
	struct request *r = calloc(1, sizeof(*r));

	(void)c;
	r->spec = *spec;
	snprintf(r->path, sizeof(r->path), "%s", spec->path);
	snprintf(r->body, sizeof(r->body), "%s", spec->body ? spec->body : "");
	list_push_back(&fake_requests, &r->node);
	fake_requests_made++;
	return r;
}

void request_cancel(struct request *r)
{
	list_remove(&r->node);
	free(r);
}

static inline unsigned fake_requests_out(void)
{
	unsigned n = 0;

	list_for_each(r, &fake_requests, struct request, node)
		n++;
	return n;
}

/* The oldest that is out; NULL: none. Inlined, gcc would see strings behind the list's head. */
static __attribute__((noinline)) struct request *fake_request(void)
{
	return list_empty(&fake_requests) ? NULL
					  : list_entry(fake_requests.next, struct request, node);
}

/* Answers it; code is an errno, 0: well. */
static inline void fake_answer(struct request *r, int http, int code, const char *body)
{
	struct reply reply = { .r = -code, .http = http, .body = body, .len = strlen(body) };
	struct request_spec spec = r->spec;

	if (code)
		error_set(&reply.error, code, "the server says %d", http);
	request_cancel(r);
	spec.on_done(spec.data, &reply);
}
