/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no credentials and what describes the server: version, health, API lists, OpenAPI. */
#pragma once
#include "tools/kubesim/http.h"

bool discovery_public(const struct request *r); /* may be asked anonymously */
bool discovery_serve(struct request *r);        /* false: none of its paths */
