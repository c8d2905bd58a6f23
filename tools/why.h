/* SPDX-License-Identifier: Apache-2.0 */
/* What .weaverfs/errors has to say about an operation of ours that has just failed. */
#pragma once
#include <stdint.h>

#include "k8s/base/error.h"

/* Now, as .weaverfs/errors tells time: taken before the operation. */
int64_t why_now(void);
/*
 * Puts the mount's own words (mostly the API server's) behind e, where it has noted a failure of
 * this user with this errno on a path that names `name`, since `since_s`. Returns -e->code.
 */
int why_explain(const char *mount, const char *name, int64_t since_s, struct error *e);
