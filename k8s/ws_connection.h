/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One WebSocket to the API server, for channel.c: connected with the credentials of now, kept alive
 * by pings, with a bounded queue of messages to send. ws thread; nothing calls back from inside.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "k8s/base/error.h"

struct ws;
struct ws_connection;

struct ws_connection_ops {
	void (*opened)(void *data, bool v5);
	/* A piece of a message; first and last say which. */
	void (*message)(void *data, const char *bytes, size_t len, bool first, bool last);
	void (*sent)(void *data); /* the queue has become shorter */
	/*
	 * Exactly once, unless it is closed before; it is gone when this returns. why->code 0: the
	 * server has closed it in order; else EHOSTUNREACH, EPROTO, ECONNRESET, ETIMEDOUT, or the
	 * errno of the answer that refused it, and the server's own words.
	 */
	void (*closed)(void *data, const struct error *why);
};

/* path_and_query is copied; ops and data are borrowed. 0 or -ENOMEM. */
int ws_connection_new(struct ws *w, const char *path_and_query, const struct ws_connection_ops *ops,
		      void *data, struct ws_connection **ret, struct error *e);
void ws_connection_close(struct ws_connection *c); /* at once; closed() is not called */

/* Queues a message of channel and len bytes. False: out of memory. */
bool ws_connection_send(struct ws_connection *c, unsigned char channel, const char *bytes,
			size_t len);
size_t ws_connection_queued(const struct ws_connection *c);
/* Closes in order once the queue is empty. */
void ws_connection_finish(struct ws_connection *c);
void ws_connection_hold(struct ws_connection *c, bool hold);
