/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of addresses, as the weaver's own DNS answers gave them: they label later connects. At most
 * NAMES_MAX, of which the oldest gives way; a lifetime (TTL) counts as 5 to 600 s.
 */
#pragma once
#include <stdint.h>

#include "sidecar/dns.h"

#define NAMES_MAX 10000
#define NAMES_TTL_MIN_S 5
#define NAMES_TTL_MAX_S 600

struct names;

struct names *names_new(void); /* NULL: out of memory */
void names_free(struct names *n);

/* The addresses of an answer; now_ns in any clock that goes on. */
void names_add(struct names *n, const struct dns_message *m, int64_t now_ns);
/* bytes: 4 or 16. Borrowed until names_add(); NULL: not known, or too old. */
const char *names_find(struct names *n, uint8_t family, const uint8_t *bytes, int64_t now_ns);
