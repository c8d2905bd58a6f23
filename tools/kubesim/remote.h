/* SPDX-License-Identifier: Apache-2.0 */
/* pods/exec and pods/attach over WebSocket; forward.c and spdy_forward.c do pods/portforward. */
#pragma once
#include "tools/kubesim/ws.h"

/* Before the 101: whether r may become a WebSocket; false: answered over HTTP. */
bool remote_check(struct request *r, bool v5);
/* After the 101: begins to serve w. */
void remote_open(struct ws *w);
