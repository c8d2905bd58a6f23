/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last 256 failed operations: errno says what kind, this says why, in the API server's own
 * words. Any thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct errors;

int errors_new(struct errors **ret, struct error *e);
void errors_free(struct errors *l);
/* op: "mkdir", "write" …; path relative to the mount ("fix-42/ttl"). Texts are copied and cut. */
void errors_add(struct errors *l, uid_t uid, const char *op, const char *path,
		const struct error *error);
uint64_t errors_count(const struct errors *l); /* since the start */
/* RFC 3339, uid, operation, path, errno name, message; tab-separated, oldest first, escaped.
 * A caller sees its own, root (and the mount's owner) all. */
void errors_show(struct errors *l, uid_t viewer, bool all, struct buf *out);
