/* SPDX-License-Identifier: Apache-2.0 */
/* Where a weaver is that somebody names. */
#pragma once

#include "k8s/base/error.h"

/* The directory of `name`, as find_weaver() takes it. Returns an O_PATH descriptor, or -errno. */
int place_open(const char *name, struct error *e);
/* A connected stream socket of the directory `dir`, which becomes the current one. A descriptor or
 * -errno. */
int place_connect(int dir, const char *name, struct error *e);
