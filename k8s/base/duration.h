/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetimes as people write them: "3600" (seconds), "90m", "8h", "1d", "1h30m", "2w". Units s m h d
 * w, each at most once, in falling order; a leading + or - makes the value relative.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct duration {
	int64_t seconds; /* negative after a leading - */
	bool relative;   /* a sign was given */
};

/* One duration, surrounding blanks ignored. -EINVAL with the reason; -ERANGE: over 10 years. */
int duration_parse(const char *s, struct duration *ret, struct error *e);
