/* SPDX-License-Identifier: Apache-2.0 */
/* The mount, and the weavers in it that people name. */
#pragma once
#include <stdbool.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

/* The mount point: $WEAVER_MOUNT, the mount that we are in, or the only one. 0 or -errno. */
int find_mount(struct buf *ret, struct error *e);

/*
 * The path of the weaver's directory. `name` is a path (it has a slash, or is a weaver's directory
 * from here), a name or an id in the mount, or what only one name or id begins with (ids also: ends
 * with). archive: entries of .archive, too, after the live ones. -ENOENT, -EINVAL: several.
 */
int find_weaver(const char *name, bool archive, struct buf *ret, struct error *e);
/* The same, opened O_PATH; ret_path may be NULL. A descriptor or -errno. */
int find_open(const char *name, bool archive, struct buf *ret_path, struct error *e);
