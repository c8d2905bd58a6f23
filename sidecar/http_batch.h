/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the stream as the body of one request of the HTTP sink. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/buf.h"

struct error;

struct http_batch {
	uint64_t from, to;    /* bytes of the stream */
	uint64_t records;     /* lines of the stream before it */
	uint32_t lines_count; /* in lines */
	uint32_t count;       /* of them in body */
	struct buf lines;
	struct buf body; /* {"weaver_id":…,"org_id":…,"events":[…]} */
};

void http_batch_done(struct http_batch *b);
void http_batch_reset(struct http_batch *b, uint64_t from);
/* Whole lines out of bytes, until it has `most` lines. */
void http_batch_add(struct http_batch *b, const char *bytes, size_t len, uint32_t most);
/* Keeps the first `most` lines. */
void http_batch_cut(struct http_batch *b, uint32_t most);
/* strict: without the sidecar's own kinds of records, audit_…. */
int http_batch_build(struct http_batch *b, const char *weaver_id, const char *org_id, bool strict,
		     struct error *e);
/* N of "rejected":N in a reply, else 0. */
uint64_t http_batch_rejected(const char *reply);
