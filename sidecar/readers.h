/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who follows the buffer from other processes: a file for each beside the segments, held by flock,
 * with its place in the stream, so that the sidecar can wait for them before it ends.
 */
#pragma once
#include <stdint.h>

struct error;

/* Returns the descriptor that holds it, or -errno. */
int readers_join(const char *dir, struct error *e);
void readers_mark(int fd, uint64_t place);
/* Until all have come to `end`, or so long. Returns how many have not. */
unsigned readers_wait(const char *dir, uint64_t end, int timeout_ms);
