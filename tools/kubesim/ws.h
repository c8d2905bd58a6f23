/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket connections with Kubernetes' channels (v4 and v5.channel.k8s.io): the first byte of a
 * message is its channel, on v5 a message 0xFF, N half-closes channel N. A tunnel has no channels:
 * its messages are a stream of bytes, all on channel 0. ws.c queues and frames; who serves the path
 * (remote.c, forward.c, spdy_forward.c) gets the messages through struct ws_ops.
 */
#pragma once
#include <libwebsockets.h>

#include "tools/kubesim/http.h"

#define WS_MESSAGE_MAX (32 * 1024)

struct ws;

struct ws_ops {
	/* Bytes of a message on a channel; a long message comes in several calls. */
	void (*message)(void *data, int channel, const char *bytes, size_t len);
	void (*half_closed)(void *data, int channel);
	void (*drained)(void *data); /* everything queued was sent */
	void (*closed)(void *data);  /* frees data */
};

extern const struct lws_protocols ws_protocol_v5, ws_protocol_v4, ws_protocol_tunnel;

void ws_offer(void); /* before each handshake */

void ws_serve(struct ws *w, const struct ws_ops *ops, void *data); /* once, from remote_open() */
const struct request *ws_request(const struct ws *w);
bool ws_tunnel(const struct ws *w);
size_t ws_queued(const struct ws *w);
void ws_send(struct ws *w, int channel, const void *bytes, size_t len);
void ws_finish(struct ws *w);          /* closes once everything queued was sent */
void ws_hold(struct ws *w, bool hold); /* the peer's messages wait */
