/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks, in int64_t. */
#pragma once
#include <stdint.h>

#define CLOCK_NS_PER_S 1000000000LL
#define CLOCK_NS_PER_MS 1000000LL

int64_t clock_monotonic_ns(void); /* CLOCK_MONOTONIC: deadlines, durations */
int64_t clock_realtime_ns(void);  /* CLOCK_REALTIME: what people see */
