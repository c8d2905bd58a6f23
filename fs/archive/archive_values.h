/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most files of an entry are some bytes long and never change again: they are made together, as one
 * file, ".values": for each "NAME LENGTH\n" and so many bytes. Making forty files took the cluster
 * thread 6 ms, in which no change was seen. A file of its own beside it counts more. Any thread.
 */
#pragma once
#include <sys/types.h>

#include "k8s/base/buf.h"

#define ARCHIVE_VALUES ".values"

void archive_values_add(struct buf *values, const char *name, const char *bytes, size_t len);
/* A descriptor to read the file from, in the entry's directory; empty if it has none. -errno. */
int archive_values_open(const char *dir, const char *name);
off_t archive_values_size(const char *dir, const char *name);
