/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no credentials and what describes the server: version, health, API lists, OpenAPI. */
#pragma once
#include "tools/kubesim/http.h"

/* What it says it is: "v1.29.3"; before the first request. false: no such version. */
bool discovery_set_version(const char *version);
const char *discovery_version(void); /* "v1.34.4+kubesim" */

bool discovery_public(const struct request *r); /* may be asked anonymously */
bool discovery_serve(struct request *r);        /* false: none of its paths */
