/* SPDX-License-Identifier: Apache-2.0 */
/* pods/portforward over WebSocket channels, one connection for each port asked for. */
#pragma once
#include "tools/kubesim/ws.h"

void forward_open(struct ws *w);
