/* SPDX-License-Identifier: Apache-2.0 */
/* A weaver's files as values. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

/* The whole file without its last newline. -errno; a file that is missing is -ENOENT. */
int value_read(int dir, const char *file, struct buf *ret, struct error *e);
/* The first word or line in a place of its own; "" where it cannot be read. */
void value_get(int dir, const char *file, char *ret, size_t size);
/* The time a file holds, in seconds since the epoch; 0: none. */
int64_t value_time(int dir, const char *file);
/* One write(2) of it all. -errno with the kernel's words; why.c has the others'. */
int value_write(int dir, const char *file, const char *text, size_t len, struct error *e);
