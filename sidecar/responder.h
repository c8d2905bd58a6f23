/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /health and /metrics over HTTP/1.1, on a thread of its own.
 *
 * Not libwebsockets: the weaver, whom we record, reaches these ports over the pod's network, and
 * the process behind them holds two capabilities. What it can make us parse is one request line of
 * at most a kilobyte; a request is answered and the connection closed. It also keeps a megabyte
 * out of the image.
 */
#pragma once
#include "k8s/base/buf.h"

struct error;
struct responder;

/* Fills body and gives the status code, or 404. Any thread's business to lock. */
typedef int responder_page_fn(void *arg, const char *path, struct buf *body,
			      const char **ret_content_type);

/* Listens on all addresses at each of the ports. */
int responder_start(const int *ports, unsigned count, responder_page_fn *page, void *arg,
		    struct responder **ret, struct error *e);
void responder_stop(struct responder *r); /* joins its thread */
