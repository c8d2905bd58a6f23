/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not worth a line. Always listed: processes, privileges, escapes, memory, names; the
 * network but loopback; whatever concerns /dev, /proc/PID/{mem,exe,environ} or a path of `always`;
 * changes of files outside /workspace. Of the rest: paths of `ignore` are left out, reads under
 * /usr, /lib and /lib64 too, and of reads in /workspace one in `read_sample` is listed, which its
 * line says. What the container runtime does before a container's exec is counted, not listed.
 * "Read" means an open for reading alone, too, failed or not.
 */
#pragma once
#include <stdint.h>

#include "sidecar/event.h"

/* clang-format off */
#define FILTER_REASONS(X)                                                                          \
	X(KEEP, "")                                                                                \
	X(PATH, "path")         /* ignored, or read where everybody reads */                       \
	X(SAMPLED, "sampled")                                                                      \
	X(LOOPBACK, "loopback")                                                                    \
	X(SETUP, "runtime_setup")                                                                  \
	X(RATE, "rate")         /* limit.h: more of its kind than there may be */
#define X(name, text) FILTER_##name,
enum filter_reason { FILTER_REASONS(X) FILTER_REASON_COUNT };
#undef X
/* clang-format on */

extern const char *const filter_reason_names[FILTER_REASON_COUNT];

struct filter {
	const char *ignore;   /* prefixes of paths, comma-separated; borrowed */
	const char *always;   /* the same */
	uint32_t read_sample; /* 1 in so many; 0 and 1: all */
	uint64_t reads;       /* of /workspace, so far */
};

/* *ret_sample: 1 in so many of its like are listed, 0: all. */
enum filter_reason filter_event(struct filter *f, const struct event *ev, uint32_t *ret_sample);
