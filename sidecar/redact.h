/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets in command lines, before any sink sees them. What looks like one becomes ***:
 *	--token X, --token=X, -p X where the option's name says so (password, secret, token, …)
 *	NAME=VALUE of such a NAME, also inside the text of sh -c
 *	Authorization: and Cookie: of curl -H; user:password of curl -u; scheme://user:password@host
 *	?token=X and the like in URLs
 *	words with the shape of a key: ghp_…, github_pat_…, AKIA…, sk-…, xoxb-…, glpat-…, eyJ…, PEM
 * It errs on the side of hiding; the name of what was hidden stays.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define REDACT_MARK "***"

/*
 * args: len bytes, arguments each ended by a NUL (the last may be cut). out has
 * REDACT_ROOM(len) bytes. Returns the bytes of out, in the same form; *ret_hidden: whether anything
 * was hidden.
 */
#define REDACT_ROOM(len) (2 * (len) + 64)
size_t redact_args(const char *args, size_t len, char *out, bool *ret_hidden);
