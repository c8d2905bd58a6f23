/* SPDX-License-Identifier: Apache-2.0 */
/* The front door: who asks, and for what. */
#pragma once
#include "tools/kubesim/http.h"

int api_init(const char *token); /* borrows the administrator's bearer token for ever */
void api_handle(struct request *r);
bool api_upgrade(struct request *r, bool v5); /* false: answered */
