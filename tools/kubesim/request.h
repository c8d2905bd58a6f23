/* SPDX-License-Identifier: Apache-2.0 */
/* Making a struct request (http.h) of what libwebsockets has parsed, and freeing it. */
#pragma once
#include "tools/kubesim/http.h"

/* While the headers are there: in LWS_CALLBACK_HTTP, or an upgrade's callbacks. NULL: OOM. */
struct request *request_new(struct lws *wsi);
void request_free(struct request *r);
/* Decodes r->chunks into r->body; false: the last chunk has not come yet. */
bool request_unchunk(struct request *r);
