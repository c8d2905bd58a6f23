/* SPDX-License-Identifier: Apache-2.0 */
/* A reply of HTTP/1.1 (RFC 9112) as its bytes come: status, length, chunks, Retry-After. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "k8s/base/buf.h"

#define HTTP_REPLY_BODY_MAX (64 << 10) /* what follows is read and let go */
#define HTTP_REPLY_MAX (1 << 20)       /* longer replies are an error */

struct http_reply {
	struct buf in; /* bytes are appended here by the caller */
	int status;
	int retry_after_s;
	bool close; /* the connection is not to be used again */
	struct buf body;
};
/*
 * Looks at in from its beginning. 1: the reply is whole; 0: more bytes are needed; -EPROTO. closed:
 * no more will come.
 */
int http_reply_parse(struct http_reply *r, bool closed);
void http_reply_done(struct http_reply *r);
