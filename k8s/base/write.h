/* SPDX-License-Identifier: Apache-2.0 */
/* write(2) until all of it is written. */
#pragma once
#include <stddef.h>

/*
 * All len bytes to fd, over signals and short writes; waits where a non-blocking fd has no room.
 * 0, or -errno (-EPIPE: nobody reads; -ENOSPC): then it is not known how much was written.
 */
int write_all(int fd, const void *bytes, size_t len);
