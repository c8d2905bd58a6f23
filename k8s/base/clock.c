/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. clock_gettime(2) of these two cannot fail on Linux, hence no error to return. */
#include "k8s/base/clock.h"

#include <time.h>

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_NS_PER_S + ts.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
