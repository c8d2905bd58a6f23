/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last 256 failed operations: errno says what kind, this says why, in the API server's own
 * words. What it accepted with a warning is there, too. Any thread.
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
/* It was done, and the server has a remark. */
void errors_warn(struct errors *l, uid_t uid, const char *op, const char *path, const char *text);
uint64_t errors_failed(struct errors *l); /* operations since the start */
/* RFC 3339, uid, operation, path, errno name or `warning`, message; tab-separated, oldest first,
 * escaped. A caller sees its own, root (and the mount's owner) all. */
void errors_show(struct errors *l, uid_t viewer, bool all, struct buf *out);
