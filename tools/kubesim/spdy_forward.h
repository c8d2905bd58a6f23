/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/portforward as kubectl asks for it: SPDY/3.1 in the messages of a WebSocket (KEP-4006). Each
 * connection is a pair of streams, whose headers say which: streamtype data or error, port,
 * requestid.
 */
#pragma once
#include "tools/kubesim/ws.h"

void spdy_forward_open(struct ws *w);
