/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of RFC 3339. The API server writes whole seconds in UTC; the kubelet's log stamps have nine
 * digits and the node's own offset, so stamps are compared as numbers, never as strings.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/error.h"

#define RFC3339_SECONDS_LEN 20 /* 2026-11-24T06:24:23Z */
#define RFC3339_NANOS_LEN 30   /* 2026-11-24T06:24:23.000000000Z */

/* Nanoseconds since the epoch of a stamp that fills s[0..len). -EINVAL (also beyond 1970–2261). */
int rfc3339_parse(const char *s, size_t len, int64_t *ret_ns, struct error *e);
/* The same in whole seconds, a fraction cut off; s is NUL-terminated. */
int rfc3339_parse_seconds(const char *s, int64_t *ret_s, struct error *e);
void rfc3339_format(int64_t seconds, char out[RFC3339_SECONDS_LEN + 1]);
void rfc3339_format_nanos(int64_t ns, char out[RFC3339_NANOS_LEN + 1]);
