/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes resource quantities (k8s.io/apimachinery/pkg/api/resource, "Quantity"): a decimal
 * number with a suffix of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent e3 / E3.
 */
#pragma once
#include <stdint.h>

#include "k8s/base/error.h"

/*
 * Thousandths, rounded up: "500m" → 500, "2" → 2000 (cpu). -EINVAL: no quantity; -ERANGE: negative
 * or beyond int64_t.
 */
int quantity_parse_milli(const char *s, int64_t *ret, struct error *e);
/* Whole units, rounded up: "8Gi" → 8589934592 (memory, in bytes). Errors as above. */
int quantity_parse(const char *s, int64_t *ret, struct error *e);
